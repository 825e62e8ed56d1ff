import type { ClaimedDelivery } from '@tocsin/contracts';
import type { Severity } from '@tocsin/contracts/wire';
import { composeMessage } from '../../compose-message';
import { cutTo, manyLines, oneLine } from '../../plain-text';

/** What a delivery says in a chat, as plain text: each format escapes it for its own place. */
export interface ChatWords {
  severity: Severity;
  /** One line of at most 200 characters. */
  subject: string;
  /** Lines that end in LF; may be empty. */
  message: string;
  /** At most 10, each of at most 60 and 200 characters. */
  facts: { name: string; value: string }[];
  /** The address of the alert on the page, where there is one. */
  pageUrl?: string | undefined;
  /** At most 4 http and https addresses, each of at most 1,000 characters, in their canonical form. */
  links: { label: string; url: string }[];
}

const MAX_FACTS = 10;
const MAX_LINKS = 4;
const MAX_LINK = 1_000;

export function chatWordsOf(delivery: ClaimedDelivery, publicUrl?: string): ChatWords {
  const { entry, notification } = delivery;
  const said = entry ?? notification!;
  const facts = entry
    ? [['Service', entry.service] as const, ['Tenant', entry.tenant_id] as const, ...Object.entries(entry.labels)]
    : [['Tenant', delivery.tenant_id] as const];
  const pageUrl = publicUrl && entry ? `${publicUrl}/?alert=${encodeURIComponent(entry.alert_id)}` : undefined;
  return {
    severity: said.severity,
    subject: composeMessage(delivery, { publicUrl }).subject,
    message: manyLines(said.message ?? ''),
    facts: facts
      .slice(0, MAX_FACTS)
      .map(([name, value]) => ({ name: cutTo(60, oneLine(name)), value: cutTo(200, oneLine(value)) || '-' })),
    pageUrl,
    links: [
      ...(pageUrl ? [{ label: 'Open the alert', url: pageUrl }] : []),
      ...(entry?.actions ?? []).flatMap(({ label, url }) =>
        url !== undefined && isWebAddress(url)
          ? [{ label: cutTo(60, oneLine(label)) || 'Open', url: new URL(url).href }]
          : [],
      ),
    ]
      .filter(({ url }) => url.length <= MAX_LINK)
      .slice(0, MAX_LINKS),
  };
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password;
}

/** The longest beginning of a text that `write` turns into at most `most` characters. */
export function cutWritten(most: number, text: string, write: (text: string) => string | Buffer): string {
  for (let length = most; length > 0;) {
    const written = write(cutTo(length, text));
    if (written.length <= most) return written.toString();
    // cutting in proportion needs two or three steps for ten thousand characters
    length = Math.min(length - 1, Math.floor((length * most) / written.length));
  }
  return '';
}
