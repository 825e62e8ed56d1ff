import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Problem } from '@tocsin/contracts';
import { Log, Metrics } from '@tocsin/observability';
import type { Request, Response } from 'express';
import { randomUUID } from 'node:crypto';
import { answerUnread } from '../body/answer-unread';
import { ProblemAnswers } from '../problems/problem-answers';

const inWords = ({ detail, errors = [] }: Problem): string[] => {
  const words = errors.map((error) => `${error.pointer ?? error.parameter ?? ''}: ${error.detail}`.replace(/^: /, ''));
  return words.length > 0 ? words : [detail ?? 'Unknown error.'];
};

/**
 * The error response of an endpoint that imitates another system: the same content as on every route, in the format
 * that the other system's clients read.
 */
abstract class PeerErrors implements ExceptionFilter {
  private readonly answers: ProblemAnswers;

  constructor(metrics: Metrics, log: Log) {
    this.answers = new ProblemAnswers(metrics, log);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent || response.destroyed) return void response.socket?.destroy();
    const { status, fields, body } = this.answers.answerTo(error, request);
    const text = JSON.stringify(this.inTheirWords(JSON.parse(body) as Problem));
    for (const [name, value] of fields) if (!/^content-/i.test(name)) response.setHeader(name, value);
    response.status(status).setHeader('Content-Type', 'application/json; charset=utf-8');
    answerUnread(request, response, text);
  }

  protected abstract inTheirWords(problem: Problem): object;
}

/** PagerDuty's format: `status` and `errors` are text, and its clients show `message` and the first of `errors`. */
export interface PagerDutyError {
  status: 'invalid event' | 'throttle exceeded' | 'error';
  message: string;
  errors: string[];
  code: Problem['code'];
  instance?: string;
}

@Catch()
export class PagerDutyErrors extends PeerErrors {
  constructor(metrics: Metrics, log: Log) {
    super(metrics, log);
  }

  protected override inTheirWords(problem: Problem): PagerDutyError {
    const { status, title, code, instance } = problem;
    return {
      status: status === 429 ? 'throttle exceeded' : status < 500 ? 'invalid event' : 'error',
      message: title,
      errors: inWords(problem),
      code,
      instance,
    };
  }
}

/** Opsgenie's format: `message`, `took` in seconds and `requestId`, and `errors` by field. */
export interface OpsgenieError {
  message: string;
  errors: Record<string, string>;
  took: number;
  requestId: string;
  code: Problem['code'];
}

@Catch()
export class OpsgenieErrors extends PeerErrors {
  constructor(metrics: Metrics, log: Log) {
    super(metrics, log);
  }

  protected override inTheirWords({ title, detail, code, errors = [] }: Problem): OpsgenieError {
    const byField = errors.map(
      ({ pointer, parameter, detail: why }) => [(pointer ?? parameter ?? '').replace(/^\//, ''), why] as const,
    );
    return { message: detail ?? title, errors: Object.fromEntries(byField), took: 0, requestId: randomUUID(), code };
  }
}
