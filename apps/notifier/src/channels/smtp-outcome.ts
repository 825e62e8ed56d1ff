import type { SendOutcome } from '@tocsin/contracts';
import { cutTo, oneLine } from '../plain-text';

/** What nodemailer says about a failure. All of it is optional: some errors are the operating system's own. */
interface SmtpFailure {
  message: string;
  /** nodemailer's kind of error. */
  code?: string;
  /** The reply code of the server. */
  responseCode?: number;
  /** The server's whole reply. */
  response?: string;
  /** The command that failed; for a broken connection `CONN`, whatever was under way. */
  command?: string;
}

type Failed = Exclude<SendOutcome, { outcome: 'sent' }>;

/** The most characters of an answer that are put on record. */
const MAX_ANSWER = 1_000;
/** The replies to a wrong, missing or too weak credential. They can also come at MAIL FROM. */
const OF_CREDENTIALS = [530, 534, 535, 538];
/** What a server says at RCPT TO about a mailbox that does not exist, or whose name cannot be. */
const OF_MAILBOX = [550, 551, 553];
/** Before the first of these commands a server has refused us, and not the message. */
const OF_MESSAGE = ['MAIL FROM', 'RCPT TO', 'DATA'];

/** A reply on one line, without control characters, as it is put on record. */
export const answerOf = (reply: string): string => cutTo(MAX_ANSWER, oneLine(reply));

/**
 * What a failed attempt means. The reply code decides, not nodemailer's kind of error: the same 421 is `ECONNECTION` with
 * PIPELINING and `EENVELOPE` without. `begun` tells whether the content of the mail was asked for: from then on the
 * server may have accepted it, although its answer was lost.
 */
export function smtpOutcome(error: unknown, begun: boolean): Failed {
  const failure = error as SmtpFailure;
  const { code = '', responseCode } = failure;
  const answer = answerOf(failure.response ?? failure.message);
  if (responseCode !== undefined && responseCode >= 400) return { ...replied(responseCode, failure), answer };
  // a wrong password of ours is not the message's fault
  if (['EAUTH', 'ENOAUTH', 'EOAUTH2'].includes(code)) return { outcome: 'retry', reason: 'unauthorized', answer };
  // the address cannot be written in this server's SMTP at all
  if (code === 'EENVELOPE') return { outcome: 'failed', reason: 'invalid_recipient', answer };
  const inTime = !['ETIMEDOUT', 'EABORT'].includes(code);
  if (begun) return { outcome: 'unknown', reason: inTime ? 'connection_lost' : 'timeout', answer };
  return { outcome: 'retry', reason: inTime ? 'connection_failed' : 'timeout', answer };
}

function replied(responseCode: number, { code, command = '', response = '' }: SmtpFailure): Failed {
  if (OF_CREDENTIALS.includes(responseCode)) return { outcome: 'retry', reason: 'unauthorized' };
  // 4.7.x is policy: greylisting, or too many mails
  if (responseCode < 500)
    return { outcome: 'retry', reason: /\b4\.7\.\d/.test(response) ? 'rate_limited' : 'provider_error' };
  if (code === 'EAUTH') return { outcome: 'retry', reason: 'unauthorized' };
  // 503: the session is in the wrong state, which a new one is not
  if (responseCode === 503 || !OF_MESSAGE.includes(command)) return { outcome: 'retry', reason: 'provider_error' };
  if (command === 'RCPT TO' && OF_MAILBOX.includes(responseCode))
    return { outcome: 'failed', reason: 'invalid_recipient' };
  return { outcome: 'failed', reason: 'rejected' };
}
