import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Log, Metrics } from '@tocsin/observability';
import type { Request, Response } from 'express';
import { answerUnread } from '../body/answer-unread';
import { ProblemAnswers } from './problem-answers';

/** Sends the response for every error that a route throws. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly answers: ProblemAnswers;

  constructor(metrics: Metrics, log: Log) {
    this.answers = new ProblemAnswers(metrics, log);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent || response.destroyed) return void response.socket?.destroy();
    const { status, fields, body } = this.answers.answerTo(error, request);
    for (const [name, value] of fields) response.setHeader(name, value);
    response.status(status);
    answerUnread(request, response, body);
  }
}
