import type { SendOutcome } from '@tocsin/contracts';
import { cutTo, oneLine } from '../plain-text';

/** What nodemailer says about a failure. All of it is optional, because some errors come from the operating system. */
interface SmtpFailure {
  message: string;
  /** nodemailer's kind of error. */
  code?: string;
  /** The reply code of the server. */
  responseCode?: number;
  /** The server's whole reply. */
  response?: string;
  /** The command that failed. For a broken connection it is always `CONN`. */
  command?: string;
}

type Failed = Exclude<SendOutcome, { outcome: 'sent' | 'held_back' }>;

/** The most characters of an answer that are put on record. */
const MAX_ANSWER = 1_000;
/** The replies to a wrong, missing or too weak credential. They can also come at MAIL FROM. */
const OF_CREDENTIALS = [530, 534, 535, 538];
/** The replies to RCPT TO when the mailbox does not exist or its name is not allowed. */
const OF_MAILBOX = [550, 551, 553];
/** The commands that concern the message. A refusal before the first of them concerns us and not the message. */
const OF_MESSAGE = ['MAIL FROM', 'RCPT TO', 'DATA'];
/** Enhanced codes about the server itself, such as a full disk. They can also come at RCPT TO. */
const OF_SERVER = /^4\d\d[ -]4\.3\.\d/;

/** Puts a reply on one line without control characters, as it is recorded. */
export const answerOf = (reply: string): string => cutTo(MAX_ANSWER, oneLine(reply));

/**
 * The outcome of a failed attempt. The reply code decides, and not nodemailer's kind of error: the same 421 is
 * `ECONNECTION` with PIPELINING and `EENVELOPE` without. `begun` says whether the server has asked for the content of
 * the mail. From then on it may have accepted the mail, even if its answer was lost.
 */
export function smtpOutcome(error: unknown, begun: boolean): Failed {
  const failure = error as SmtpFailure;
  const { code = '', responseCode } = failure;
  const answer = answerOf(failure.response ?? failure.message);
  if (responseCode !== undefined && responseCode >= 400) return { ...replied(responseCode, failure), answer };
  // our wrong password is not the message's fault
  if (['EAUTH', 'ENOAUTH', 'EOAUTH2'].includes(code)) return { outcome: 'retry', reason: 'unauthorized', answer };
  // the address cannot be written in this server's SMTP at all
  if (code === 'EENVELOPE') return { outcome: 'failed', reason: 'invalid_recipient', answer };
  const inTime = !['ETIMEDOUT', 'EABORT'].includes(code);
  if (begun) return { outcome: 'unknown', reason: inTime ? 'connection_lost' : 'timeout', answer };
  return { outcome: 'retry', reason: inTime ? 'connection_failed' : 'timeout', answer };
}

function replied(responseCode: number, { code, command = '', response = '' }: SmtpFailure): Failed {
  if (OF_CREDENTIALS.includes(responseCode)) return { outcome: 'retry', reason: 'unauthorized' };
  if (responseCode < 500) {
    // a full or greylisted mailbox says nothing of the others; 421 closes the connection to all of them
    const ofMailbox = command === 'RCPT TO' && responseCode !== 421 && !OF_SERVER.test(response);
    // 4.7.x is policy: greylisting, or too many mails
    const reason = /\b4\.7\.\d/.test(response) ? 'rate_limited' : 'provider_error';
    return { outcome: 'retry', reason, ...(ofMailbox && { of: 'recipient' }) };
  }
  if (code === 'EAUTH') return { outcome: 'retry', reason: 'unauthorized' };
  // 503: the session is in the wrong state, and a new session will not be
  if (responseCode === 503 || !OF_MESSAGE.includes(command)) return { outcome: 'retry', reason: 'provider_error' };
  if (command === 'RCPT TO' && OF_MAILBOX.includes(responseCode))
    return { outcome: 'failed', reason: 'invalid_recipient' };
  return { outcome: 'failed', reason: 'rejected' };
}
