import { All, Controller, Header, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Refused } from '@tocsin/contracts';
import { PhoneDeliveries } from '@tocsin/contracts/ports';
import { phoneIn, reportedDeliveryIn, twilioReasonOf, twilioStatusOf } from '@tocsin/phones';
import { TakesBody } from '../body/body.interceptor';
import { AnswerReply } from './answer-reply';
import { TwilioCallbackGuard } from './twilio-callback.guard';
import { TwilioCallbacks } from './twilio-callbacks';
import { ApiTags } from '../description/operation.docs';
import * as described from './twilio.docs';

/** A callback has about 20 short fields; a reply has at most 1,600 characters. In bytes. */
const MAX_CALLBACK_BYTES = 32 * 1024;

/**
 * What Twilio calls: reports on messages that it has accepted, and the replies of people. No token: Twilio signs each
 * call, and everything that is not signed for PUBLIC_URL is refused and changes nothing.
 */
@Controller('api/v1/providers/twilio')
@ApiTags('providers')
export class TwilioController {
  constructor(
    private readonly callbacks: TwilioCallbacks,
    private readonly phones: PhoneDeliveries,
    private readonly answerReply: AnswerReply,
  ) {}

  /** 204 also for a report that says nothing new, or is about a delivery that is no longer kept. */
  @Post('status')
  @UseGuards(TwilioCallbackGuard)
  @HttpCode(204)
  @TakesBody(MAX_CALLBACK_BYTES)
  @described.reportTwilioStatus
  async reportTwilioStatus(@Req() request: Request): Promise<void> {
    const form = this.callbacks.formOf(request);
    const delivery = reportedDeliveryIn(new URL(request.originalUrl, 'http://localhost').searchParams);
    const status = twilioStatusOf(form.get('MessageStatus') ?? '');
    if (!delivery || !status) return;
    const code = /^\d{1,6}$/.exec(form.get('ErrorCode') ?? '')?.[0] ?? null;
    await this.phones.report({
      ...delivery,
      provider_id: (form.get('MessageSid') ?? '').slice(0, 64),
      status,
      reason: status === 'undelivered' ? (code === null ? 'provider_error' : twilioReasonOf(Number(code))) : null,
      code,
    });
  }

  /** Twilio sends the text of the answer back to the phone. */
  @Post('inbound')
  @UseGuards(TwilioCallbackGuard)
  @HttpCode(200)
  @Header('Content-Type', 'text/xml; charset=utf-8')
  @TakesBody(MAX_CALLBACK_BYTES)
  @described.receiveTwilioReply
  async receiveTwilioReply(@Req() request: Request): Promise<string> {
    const form = this.callbacks.formOf(request);
    const phone = phoneIn(form.get('From') ?? '');
    // STOP, START and HELP are answered by Twilio itself
    const answer =
      phone && !form.has('OptOutType') ? await this.answerReply.to(phone, form.get('Body') ?? '') : undefined;
    return twiml(answer);
  }

  @All(['status', 'inbound'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Twilio calls this address with POST.');
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** What XML cannot hold is left out of the text. */
function twiml(text: string | undefined): string {
  const message =
    text === undefined
      ? ''
      : `<Message>${text
          .replace(/[\p{Cc}\ufffe\uffff]/gu, ' ')
          .toWellFormed()
          .replace(/[&<>]/g, (char) => ESCAPES[char]!)}</Message>`;
  return `<?xml version="1.0" encoding="UTF-8"?><Response>${message}</Response>`;
}
