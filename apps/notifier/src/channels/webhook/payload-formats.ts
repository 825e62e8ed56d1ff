import type { ClaimedDelivery } from '@tocsin/contracts';
import type { Severity, WebhookFormat } from '@tocsin/contracts/wire';
import { bodyOf, TemplateFault } from '@tocsin/webhook-template';
import { chatWordsOf, cutWritten, type ChatWords } from './chat-words';
import type { Verdict } from './judge-answer';

/** A delivery as it is posted. `url` is the target if it differs from the webhook's address. */
export interface Payload {
  url?: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Why there is no payload: the address does not fit the format, or the template made no body. */
export interface PayloadFault {
  reason: 'invalid_recipient' | 'template_failed';
  fault: string;
  /** Whether another attempt may succeed. */
  again?: boolean;
}

interface PayloadFormat {
  /** The hosts that use this format: a whole name, or the end of a name if it begins with a dot. */
  hosts: readonly string[];
  /** Pure: equal arguments give equal bytes, so every attempt sends the same ones. */
  write(delivery: ClaimedDelivery, address: URL, publicUrl?: string): Payload | PayloadFault;
  /** Reads errors that the provider reports in the body and not by the status. */
  verdictOf?(text: string): Verdict | undefined;
}

const noAddress = (fault: string): PayloadFault => ({ reason: 'invalid_recipient', fault });

const asJson = (body: unknown, url?: URL): Payload => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...(url && { url }),
});

/** The table of all formats. A new format is an entry here, and its name in `WEBHOOK_FORMATS`. */
export const PAYLOAD_FORMATS: Readonly<Record<WebhookFormat, PayloadFormat>> = {
  standard: { hosts: [], write: (delivery) => asJson(standardPayload(delivery)) },
  slack: {
    hosts: ['hooks.slack.com', 'hooks.slack-gov.com'],
    write: (delivery, _address, publicUrl) => asJson(slackMessage(chatWordsOf(delivery, publicUrl))),
    verdictOf: (text) => {
      const said = jsonIn(text);
      return said?.ok === false ? { status: said.error === 'ratelimited' ? 429 : 400 } : undefined;
    },
  },
  teams: {
    hosts: ['.logic.azure.com', '.environment.api.powerplatform.com', '.webhook.office.com'],
    write: (delivery, _address, publicUrl) => asJson(teamsMessage(chatWordsOf(delivery, publicUrl))),
    // an old Teams connector answers 200 and says in its text that Teams refused the message
    verdictOf: (text) => {
      const refused = /message delivery failed.{0,200}HTTP error (\d{3})/i.exec(text);
      return refused ? { status: Number(refused[1]) } : undefined;
    },
  },
  telegram: {
    hosts: ['api.telegram.org'],
    write: (delivery, address, publicUrl) => {
      const chat = address.searchParams.get('chat_id');
      if (!chat) return noAddress('The address of a Telegram bot ends in /sendMessage?chat_id=…');
      const thread = Number(address.searchParams.get('message_thread_id')) || undefined;
      const url = new URL(address);
      url.search = '';
      return asJson(telegramMessage(chatWordsOf(delivery, publicUrl), chat, thread), url);
    },
    verdictOf: (text) => {
      const said = jsonIn(text);
      if (said?.ok !== false) return undefined;
      const retryAfter = (said.parameters as { retry_after?: unknown } | undefined)?.retry_after;
      return {
        status: typeof said.error_code === 'number' ? said.error_code : 400,
        ...(typeof retryAfter === 'number' && { retryAfterMs: retryAfter * 1_000 }),
      };
    },
  },
  ntfy: {
    hosts: ['ntfy.sh'],
    write: (delivery, address, publicUrl) => {
      // JSON goes to the root of the server, and names the topic in the body
      const [, root, topic] = /^(.*\/)([-_A-Za-z0-9]{1,64})\/?$/.exec(address.pathname) ?? [];
      if (topic === undefined) return noAddress('The address of ntfy ends in the name of a topic.');
      const url = new URL(address);
      url.pathname = root!;
      return asJson(ntfyMessage(chatWordsOf(delivery, publicUrl), topic), url);
    },
  },
};

/** A delivery as the endpoint's own template writes it. */
export function fromTemplate(template: string, delivery: ClaimedDelivery, publicUrl?: string): Payload | PayloadFault {
  const { severity, subject, message, pageUrl } = chatWordsOf(delivery, publicUrl);
  const { data, ...standard } = standardPayload(delivery);
  const { tenant_id } = delivery;
  try {
    const view = { ...standard, tenant_id, severity, subject, message, page_url: pageUrl ?? '', data };
    return { headers: { 'content-type': 'application/json' }, body: bodyOf(template, view) };
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    return { reason: 'template_failed', fault: error.message, again: error.isSlow };
  }
}

/** The format of an endpoint that names none. */
export function formatOfHost(hostname: string): WebhookFormat {
  const takes = (host: string) => (host.startsWith('.') ? hostname.endsWith(host) : hostname === host);
  const known = Object.entries(PAYLOAD_FORMATS).find(([, { hosts }]) => hosts.some(takes));
  return (known?.[0] as WebhookFormat | undefined) ?? 'standard';
}

/** A type, a time and the data, as Standard Webhooks recommends. The entry is the same as in streams and REST. */
const standardPayload = ({ entry, notification, delivery_id, first_due_at }: ClaimedDelivery) => ({
  type: entry ? `alert.${entry.change}` : 'notification',
  timestamp: entry?.received_at ?? first_due_at,
  delivery_id,
  data: (entry ?? notification)!,
});

/** With these three escaped, a text holds no link, mention or command for Slack, in either kind of text. */
const forSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/**
 * Not `mrkdwn`: in it a text may be bold, a quote or code, and Slack makes links of the names of channels and of some
 * mentions by itself.
 */
const slackText = (most: number, text: string) => ({
  type: 'plain_text',
  text: cutWritten(most, text, forSlack),
  emoji: false,
});
/** What Slack shows in bold. A longer text is shown in whole instead. */
const MAX_SLACK_HEADER = 150;
const slackHeadline = (text: string) => ({
  type: forSlack(text).length <= MAX_SLACK_HEADER ? 'header' : 'section',
  text: slackText(3_000, text),
});
const slackLink = ({ label, url }: { label: string; url: string }) =>
  `<${forSlack(url.replaceAll('|', '%7C'))}|${forSlack(label.replaceAll('|', '/'))}>`;

const slackMessage = ({ subject, message, facts, links }: ChatWords) => ({
  text: cutWritten(1_000, subject, forSlack),
  unfurl_links: false,
  blocks: [
    slackHeadline(subject),
    ...(message ? [{ type: 'section', text: slackText(3_000, message) }] : []),
    { type: 'section', fields: facts.map(({ name, value }) => slackText(2_000, `${name}\n${value}`)) },
    ...(links.length > 0
      ? [
          {
            type: 'context',
            elements: links.map((link) => ({ type: 'mrkdwn', text: slackLink(link), verbatim: true })),
          },
        ]
      : []),
  ],
});

/** A text run is shown unchanged. Teams reads every other text of a card as Markdown. */
const teamsLine = (text: string, more: object = {}) => ({
  type: 'RichTextBlock',
  inlines: [{ type: 'TextRun', text, ...more }],
});
const MAX_TEAMS_LINES = 40;

/** A message for a workflow "when a webhook request is received". Teams refuses more than 28 KB. */
const teamsMessage = ({ severity, subject, message, facts, links }: ChatWords) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        msteams: { width: 'Full' },
        body: [
          teamsLine(subject, { weight: 'Bolder', size: 'Medium', color: TEAMS_COLOURS[severity] }),
          ...cutWritten(6_000, message, (text) => Buffer.from(text))
            .split('\n')
            .slice(0, MAX_TEAMS_LINES)
            .filter(Boolean)
            .map((line) => teamsLine(line)),
          ...facts.map(({ name, value }) => teamsLine(`${name}: ${value}`, { isSubtle: true })),
        ],
        actions: links.map(({ label, url }) => ({ type: 'Action.OpenUrl', title: label, url })),
      },
    },
  ],
});
const TEAMS_COLOURS: Readonly<Record<Severity, string>> = {
  urgent: 'Attention',
  high: 'Warning',
  medium: 'Accent',
  low: 'Default',
};

/** Without a `parse_mode` the text is shown as it is: nothing in it needs to be escaped. */
const telegramMessage = (words: ChatWords, chat: string, thread: number | undefined) => ({
  chat_id: chat,
  ...(thread !== undefined && { message_thread_id: thread }),
  text: plainMessage(words, 4_096, (text) => text),
  link_preview_options: { is_disabled: true },
  disable_notification: words.severity === 'low',
});

/** All parts as lines. When they are too long, only the message is cut, so that the lines after it remain. */
function plainMessage(words: ChatWords, most: number, write: (text: string) => string | Buffer): string {
  const head = words.subject;
  const tail = [
    ...words.facts.map(({ name, value }) => `${name}: ${value}`),
    ...words.links.map(({ label, url }) => `${label}: ${url}`),
  ].join('\n');
  const room = most - write(`${head}\n\n\n\n${tail}`).length;
  const message = room > 0 ? cutWritten(room, words.message, write) : '';
  return cutWritten(most, [head, message, tail].filter(Boolean).join('\n\n'), write);
}

const NTFY_PRIORITIES: Readonly<Record<Severity, number>> = { urgent: 5, high: 4, medium: 3, low: 2 };

/** ntfy turns a message of more than 4,096 bytes into an attachment. */
const ntfyMessage = (words: ChatWords, topic: string) => ({
  topic,
  title: words.subject,
  message: plainMessage({ ...words, subject: '' }, 4_096, (text) => Buffer.from(text)),
  priority: NTFY_PRIORITIES[words.severity],
  tags: [words.severity],
  ...(words.links[0] && { click: words.links[0].url }),
});

function jsonIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
