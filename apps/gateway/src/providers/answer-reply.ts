import type { AlertActs, AnnounceEntries, AttemptedAct, PhoneDeliveries, TextedAlert } from '@tocsin/contracts/ports';
import type { Alert } from '@tocsin/contracts';
import type { phoneIn } from '@tocsin/phones';

type Phone = NonNullable<ReturnType<typeof phoneIn>>;

/** `ack 12`, `ACK12`, `Ack #12!`, and `ack 12 bakery`, which names the tenant. */
const ACKNOWLEDGE = /^\W*ack(?:nowledged?)?\W*?#?\s*(\d{1,15})(?:\W+([A-Za-z0-9][A-Za-z0-9._-]{0,63}?))?\W*$/i;
/** A reply that was meant as an acknowledgement. Any other text gets no answer, because a machine may have sent it. */
const MEANT = /^\W*ack/i;
const HINT = 'Reply "ack" and the number of the alert, for example: ack 12';
/** The most characters that are read of a reply. A number and a tenant fit into them, with some room. */
const MAX_REPLY = 200;
/** The longest title in an answer, in characters. With the words around it, the SMS has two segments. */
const MAX_TITLE = 120;

/**
 * Acknowledges an alert by the reply of a phone. There is no token and no user: a phone may acknowledge the alerts that
 * it was told of, and the act is on record with its number (`sms:+49…`).
 *
 * A reply answers the message that its sender has read. One that comes late, or that Twilio sends twice, does not
 * silence an alert that has rung again meanwhile.
 *
 * Each tenant has its own numbers, so one phone may have been told of several alerts with the same number. Then the
 * newest one counts. The answer names the alert and its tenant, and says how to choose another one.
 */
export class AnswerReply {
  constructor(
    private readonly phones: PhoneDeliveries,
    private readonly acts: AlertActs,
    private readonly announceEntries: AnnounceEntries,
  ) {}

  /** The answer for the phone, or undefined when it gets none. Throws `Unavailable`. */
  async to(phone: Phone, text: string): Promise<string | undefined> {
    const said = text.slice(0, MAX_REPLY);
    const [, number, tenant] = ACKNOWLEDGE.exec(said) ?? [];
    if (number === undefined) return MEANT.test(said) ? HINT : undefined;
    const told = await this.phones.toldBy(phone.number, Number(number));
    const named = tenant === undefined ? told : told.filter(({ tenant_id }) => sameName(tenant_id, tenant));
    const [newest] = named;
    if (!newest)
      return `No alert ${number}${tenant === undefined ? '' : ` of ${tenant}`} was sent to this phone within 7 days.`;
    const others = told.filter((other) => other !== newest);
    if (newest.rung_again !== null)
      return `Not acknowledged, it has rung again since: ${called(newest)}. Reply "ack ${newest.rung_again}" for that.`;
    return [await this.acknowledge(newest, `${phone.channel}:${phone.number}`), ...hintAt(others, number)].join(' ');
  }

  private async acknowledge(told: TextedAlert, by: string): Promise<string> {
    const { tenant_id, alert_id } = told;
    const act: AttemptedAct = { act: 'acknowledge', by, until: null, assignee: null, note: null, trace_id: null };
    const reach = { tenants: [tenant_id], acting: [tenant_id] };
    const result = (await this.acts.act(reach, [alert_id], act))[0]!;
    switch (result.outcome) {
      case 'acted':
        await this.announceEntries.announce([result.event]);
        return `Acknowledged: ${called(told)}.`;
      case 'unchanged':
        return `You have acknowledged it already: ${called(told)}.`;
      case 'conflict':
        return `Not acknowledged, ${whyNot(result.alert)}: ${called(told)}.`;
      default:
        return `Not acknowledged, it no longer exists: ${called(told)}.`;
    }
  }
}

const sameName = (one: string, two: string): boolean => one.toLowerCase() === two.toLowerCase();

/** Names the first of the other alerts with this number. */
function hintAt([other, ...more]: readonly TextedAlert[], number: string): string[] {
  if (!other) return [];
  const count = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return [`Alert ${number} of ${other.tenant_id}${count}: reply "ack ${number} ${other.tenant_id}".`];
}

function whyNot({ status, actor }: Alert): string {
  if (status === 'resolved') return 'it is resolved';
  return actor === null ? `it is ${status}` : `${actor} has ${status} it`;
}

const called = ({ title, tenant_id }: TextedAlert): string => `${cut(title)} (${tenant_id})`;

const cut = (title: string): string =>
  title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE - 3).toWellFormed()}...` : title;
