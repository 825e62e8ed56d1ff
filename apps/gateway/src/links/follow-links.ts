import type { LinkPurpose, MessageLink, SignedLinks } from '@tocsin/auth';
import { Refused, type Alert } from '@tocsin/contracts';
import type { AlertQueries, Unsubscribes } from '@tocsin/contracts/ports';
import type { ActOnAlerts } from '../alerts/act-on-alerts';
import { ConnectRate } from '../connect/connect-rate';
import type { LinkPage } from './link-page';

/** How often one link may be followed, in times a second, and at most four at once. Each time costs a query. */
const FOLLOWED_PER_SECOND = 1;

const INVALID: LinkPage = {
  status: 404,
  title: 'This link does not work',
  says: ['It is not complete, or it was never valid. Some programs cut long links: try to copy all of it.'],
};
const EXPIRED: LinkPage = {
  status: 410,
  title: 'This link has expired',
  says: ['Links for acknowledging an alert work for seven days. The alert itself can be opened on the page.'],
};
const ALERT_GONE: LinkPage = {
  status: 410,
  title: 'The alert is gone',
  says: ['It is no longer kept, so there is nothing to acknowledge.'],
};

/**
 * Does what the links in messages offer. The signed link is the only credential. It names one purpose, one tenant and
 * one recipient, and for acknowledging also one alert. Nothing changes until the button of the page is pressed (POST),
 * because programs that scan mail open every link.
 *
 * An acknowledgement by a link is in the history as `email:<address>`. A link proves only that its user has read mail
 * of this address. The prefix is needed because the id of a user could equal the address.
 *
 * Every method throws `Refused` (`rate_limited`) for a link that is followed too often, and `Unavailable`.
 */
export class FollowLinks {
  private readonly rate: ConnectRate;

  constructor(
    private readonly links: Pick<SignedLinks, 'read'>,
    private readonly queries: Pick<AlertQueries, 'find'>,
    private readonly actOnAlerts: Pick<ActOnAlerts, 'acknowledgeBy'>,
    private readonly unsubscribes: Unsubscribes,
    now: () => number = () => performance.now(),
  ) {
    this.rate = new ConnectRate(FOLLOWED_PER_SECOND, now);
  }

  /** The page with the button, or without it when the alert no longer needs to be acknowledged. */
  async showAlert(token: string): Promise<LinkPage> {
    return this.follow(token, 'acknowledge', async ({ tenant_id, alert_id }) => {
      const [alert] = await this.queries.find([tenant_id], [alert_id!]);
      if (!alert) return ALERT_GONE;
      const what = described(alert);
      if (alert.status === 'resolved') return { status: 200, title: 'The alert is over', says: [what, stateOf(alert)] };
      if (alert.status === 'acknowledged')
        return { status: 200, title: 'The alert is acknowledged', says: [what, stateOf(alert)] };
      return {
        status: 200,
        title: 'Acknowledge this alert?',
        says: [what, 'Messages about it that still wait to be sent will be cancelled.'],
        button: { label: 'Acknowledge', action: '' },
      };
    });
  }

  /** Acknowledges the alert. Repeating it changes nothing. */
  async acknowledge(token: string, trace_id: string | null): Promise<LinkPage> {
    return this.follow(token, 'acknowledge', async ({ channel, address, tenant_id, alert_id }) => {
      const result = await this.actOnAlerts.acknowledgeBy(`${channel}:${address}`, tenant_id, alert_id!, trace_id);
      if (result.outcome === 'not_found' || result.outcome === 'forbidden') return ALERT_GONE;
      const what = described(result.alert);
      if (result.outcome === 'acted') return { status: 200, title: 'Acknowledged', says: [what] };
      if (result.outcome === 'unchanged')
        return { status: 200, title: 'You have acknowledged it already', says: [what] };
      const title = result.alert.status === 'resolved' ? 'The alert is over' : 'The alert is acknowledged already';
      return { status: 409, title, says: [what, stateOf(result.alert)] };
    });
  }

  /** Says whether the recipient gets messages, with the button that changes it. */
  async showSubscription(token: string): Promise<LinkPage> {
    return this.follow(token, 'unsubscribe', async (link) =>
      (await this.unsubscribes.has(link)) ? unsubscribed(link) : subscribed(link, 'No more of these messages?'),
    );
  }

  async unsubscribe(token: string): Promise<LinkPage> {
    return this.follow(token, 'unsubscribe', async (link) => {
      await this.unsubscribes.add(link);
      return unsubscribed(link);
    });
  }

  /** Undoes an unsubscription. */
  async subscribeAgain(token: string): Promise<LinkPage> {
    return this.follow(token, 'unsubscribe', async (link) => {
      await this.unsubscribes.remove(link);
      return subscribed(link, 'You get these messages again');
    });
  }

  private async follow(
    token: string,
    purpose: LinkPurpose,
    how: (link: MessageLink) => Promise<LinkPage>,
  ): Promise<LinkPage> {
    const read = await this.links.read(token, purpose);
    if (!read.ok) return read.reason === 'expired' ? EXPIRED : INVALID;
    const { tenant_id, channel, address, alert_id } = read.link;
    // the rate counts by the content of the link, because one signature can be spelled in several ways
    if (!this.rate.allows(JSON.stringify([purpose, tenant_id, channel, address, alert_id])))
      throw new Refused('rate_limited', 'This link was followed too often: wait a few seconds.');
    return how(read.link);
  }
}

const described = ({ severity, title, service }: Alert): string => `${severity.toUpperCase()}: ${title}\n${service}`;

function stateOf({ status, actor, acted_at, last_seen_at }: Alert): string {
  const did = status === 'resolved' ? 'resolved' : status === 'snoozed' ? 'snoozed' : 'acknowledged';
  if (actor !== null && status !== 'firing') return `${actor} ${did} it at ${acted_at}.`;
  return status === 'resolved' ? `Its producer resolved it at ${last_seen_at}.` : `It is ${status}.`;
}

const subscribed = ({ tenant_id, address }: MessageLink, title: string): LinkPage => ({
  status: 200,
  title,
  says: [`${address} is told of alerts of ${tenant_id}.`],
  // relative addresses, because an absolute one would have to know our path behind the proxy
  button: { label: 'Unsubscribe', action: '?' },
});

const unsubscribed = ({ tenant_id, address }: MessageLink): LinkPage => ({
  status: 200,
  title: 'You are unsubscribed',
  says: [`${address} gets no more mail from ${tenant_id}, also none that is planned already.`],
  button: { label: 'Subscribe again', action: '?again' },
});
