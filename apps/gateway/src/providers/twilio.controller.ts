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

/** The most bytes of a callback. It has about 20 short fields, and a reply has at most 1,600 characters. */
const MAX_CALLBACK_BYTES = 32 * 1024;

/**
 * The routes that Twilio calls: reports on messages that it has accepted, and replies of people. They need no token,
 * because Twilio signs each call. A call that is not signed for PUBLIC_URL is refused and changes nothing.
 */
@Controller('api/v1/providers/twilio')
@ApiTags('providers')
export class TwilioController {
  constructor(
    private readonly callbacks: TwilioCallbacks,
    private readonly phones: PhoneDeliveries,
    private readonly answerReply: AnswerReply,
  ) {}

  /** The answer is also 204 if the report says nothing new, or its delivery is no longer kept. */
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

/** Characters that XML does not allow are left out of the text. */
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
