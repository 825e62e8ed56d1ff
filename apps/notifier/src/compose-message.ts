import { Liquid } from 'liquidjs';
import type { ClaimedDelivery, NotificationContent } from '@tocsin/contracts';
import type { Entry, Severity } from '@tocsin/contracts/wire';
import { cutTo, manyLines, oneLine } from './plain-text';
import { ALERT_HTML } from './templates/alert-html';
import { ALERT_TEXT } from './templates/alert-text';

/** The addresses that a message links to. An absent address is left out of the message. */
export interface MessageLinks {
  /** The address of the page, without a slash at its end. The alert's own address is made from it. */
  publicUrl?: string | undefined;
  /** The signed address at which the recipient of this delivery acknowledges its alert. */
  acknowledge?: string | undefined;
  /** The signed address at which the recipient stops these messages. */
  unsubscribe?: string | undefined;
}

/** The texts of a delivery, for any channel. They have no control characters, except for line feeds in `text`. */
export interface ComposedMessage {
  /** One line, at most 200 characters: `[URGENT] Flour is running low · inventory`. */
  subject: string;
  /** The whole message, as plain text in lines. */
  text: string;
  /** The whole message, as an HTML document. */
  html: string;
  /** The most important part on one line, at most 320 characters (UTF-16 code units): for SMS. */
  short: string;
}

/** The longest subject. A producer's title may have 300 characters, but mail programs do not show so many. */
const MAX_SUBJECT = 200;
/** The longest short text. An SMS of this length has three segments in GSM-7 and five in UCS-2. */
const MAX_SHORT = 320;
/** The message is added behind the title only if at least this many characters of it fit. */
const LEAST_OF_MESSAGE = 20;

/** The colour of each severity, as on the page, and the colour of text on it. */
const COLOURS: Readonly<Record<Severity, readonly [colour: string, on: string]>> = {
  urgent: ['#960a3f', '#ffffff'],
  high: ['#c2410c', '#ffffff'],
  medium: ['#b08600', '#140a00'],
  low: ['#2f6bc2', '#ffffff'],
};

// By default liquidjs escapes nothing, and a missing variable or filter gives an empty text.
const STRICT = { strictVariables: true, strictFilters: true, ownPropertyOnly: true } as const;
const ofText = new Liquid(STRICT);
const ofHtml = new Liquid({ ...STRICT, outputEscape: 'escape' });
const textTemplate = ofText.parse(ALERT_TEXT);
const htmlTemplate = ofHtml.parse(ALERT_HTML);

interface Named {
  name: string;
  value: string;
}

/** The texts before they are cut to length. Each is safe (`oneLine`, `manyLines`), and none is escaped. */
interface Said {
  severity: Severity;
  /** The remark after the severity, in the brackets of the subject: `re-opened`. May be empty. */
  remark: string;
  /** The remark as a sentence. */
  headline: string;
  title: string;
  message: string;
  /** The service of an alert; empty for a notification. */
  source: string;
  facts: Named[];
  labels: Named[];
  actions: { label: string; url: string; host: string }[];
  pageUrl: string;
  pageWords: string;
}

/**
 * Composes the texts of a delivery from its entry or its notification. Pure: equal arguments give equal texts. No text
 * of a producer can begin a header or add HTML, and only http and https addresses become links.
 */
export function composeMessage(delivery: ClaimedDelivery, links: MessageLinks = {}): ComposedMessage {
  const { entry, notification } = delivery;
  const said = entry ? sayEntry(entry, links) : sayNotification(notification!, delivery, links);
  const word = said.severity.toUpperCase();
  const subject = cutTo(MAX_SUBJECT, subjectOf(said, word));
  const [colour, onColour] = COLOURS[said.severity];
  const view = {
    subject,
    preview: cutTo(120, oneLine(said.message || said.headline || said.title)),
    severity_word: word,
    colour,
    on_colour: onColour,
    headline: said.headline,
    title: said.title,
    message: said.message,
    tenant: oneLine(delivery.tenant_id),
    facts: said.facts,
    // a list of pairs, because in an object a label named `size` or `first` would hide the engine's property
    labels: said.labels,
    actions: said.actions,
    page_url: said.pageUrl,
    page_words: said.pageWords,
    acknowledge_url: entry ? (links.acknowledge ?? '') : '',
    unsubscribe_url: links.unsubscribe ?? '',
  };
  return {
    subject,
    text: `${(ofText.renderSync(textTemplate, view) as string).trim()}\n`,
    html: ofHtml.renderSync(htmlTemplate, view) as string,
    short: shortOf(said, word),
  };
}

/**
 * The severity and the remark stand in brackets, so that the mails of one alert stay one thread: programs that group
 * mails by subject ignore brackets at its beginning (RFC 5256, section 2.1).
 */
function subjectOf({ remark, title, source }: Said, word: string): string {
  const end = source && ` · ${source}`;
  const begin = `[${[word, remark].filter(Boolean).join(' · ')}] `;
  return `${begin}${cutTo(MAX_SUBJECT - begin.length - end.length, title)}${end}`;
}

/** The short text. Its link is never cut: the message is cut first, then the title. */
function shortOf({ remark, title, source, message, pageUrl }: Said, word: string): string {
  const begin = `${[word, remark].filter(Boolean).join(', ')}: `;
  // a longer address would leave no room for the words
  const link = pageUrl && pageUrl.length <= MAX_SHORT / 2 ? ` ${pageUrl}` : '';
  const end = `${source && ` (${source})`}`;
  const room = MAX_SHORT - begin.length - end.length - link.length;
  const head = cutTo(room, title);
  const left = room - head.length - 2;
  const rest = left >= LEAST_OF_MESSAGE && message ? `: ${cutTo(left, oneLine(message))}` : '';
  return `${begin}${head}${end}${rest}${link}`;
}

function sayEntry(entry: Entry, { publicUrl }: MessageLinks): Said {
  const [remark, headline] = happened(entry);
  return {
    severity: entry.severity,
    remark,
    headline,
    title: oneLine(entry.title),
    message: manyLines(entry.message ?? ''),
    source: oneLine(entry.service),
    facts: [
      { name: 'Service', value: oneLine(entry.service) },
      ...(entry.name ? [{ name: 'Name', value: oneLine(entry.name) }] : []),
      { name: 'Tenant', value: oneLine(entry.tenant_id) },
      { name: 'Time', value: timeOf(entry.occurred_at ?? entry.received_at) },
      ...(entry.occurrences > 1
        ? [{ name: 'Seen', value: `${entry.occurrences} times since ${timeOf(entry.first_seen_at)}` }]
        : []),
      ...(entry.assignee ? [{ name: 'Assigned to', value: oneLine(entry.assignee) }] : []),
    ],
    labels: Object.entries(entry.labels).map(([name, value]) => ({ name: oneLine(name), value: oneLine(value) })),
    actions: entry.actions.flatMap(({ label, url }) => {
      const address = url === undefined ? undefined : webAddress(url);
      return address ? [{ label: oneLine(label) || address.host, url: address.href, host: address.host }] : [];
    }),
    pageUrl: publicUrl ? `${publicUrl}/?alert=${encodeURIComponent(entry.alert_id)}` : '',
    pageWords: 'Open the alert',
  };
}

/** Why an alert rings that is not new: as a remark for the subject, and as a sentence. */
function happened({ change, previous }: Entry): [remark: string, headline: string] {
  if (change === 'reopened') return ['re-opened', 'It was resolved and fires again.'];
  if (change === 'severity_raised')
    return previous
      ? [`was ${previous.severity}`, `Its severity was ${previous.severity} before.`]
      : ['more severe', 'Its severity was raised.'];
  if (change === 'unsnoozed') return ['snooze ended', 'Its snooze is over, and it still fires.'];
  return ['', ''];
}

function sayNotification(
  { title, message, severity, digest_of }: NotificationContent,
  { tenant_id, first_due_at }: ClaimedDelivery,
  { publicUrl }: MessageLinks,
): Said {
  const count = digest_of === null ? '' : `${digest_of} notification${digest_of === 1 ? '' : 's'}`;
  return {
    severity,
    remark: count,
    headline: count && `A digest of ${count}.`,
    title: oneLine(title),
    message: manyLines(message ?? ''),
    source: '',
    facts: [
      { name: 'Tenant', value: oneLine(tenant_id) },
      { name: 'Time', value: timeOf(first_due_at) },
    ],
    labels: [],
    actions: [],
    pageUrl: publicUrl ?? '',
    pageWords: 'Open Tocsin',
  };
}

/**
 * An http or https address in its canonical, escaped form. Undefined for other texts, and for an address with a
 * password.
 */
function webAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : undefined;
}

const TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const timeOf = (iso: string): string =>
  Number.isNaN(Date.parse(iso)) ? oneLine(iso) : `${TIME.format(new Date(iso))} UTC`;
