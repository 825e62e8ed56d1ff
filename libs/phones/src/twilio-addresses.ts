import { isTenantId, type TenantId } from '@tocsin/contracts';

/** The paths of the gateway to which Twilio sends reports on messages, and replies. */
export const TWILIO_STATUS_PATH = '/api/v1/providers/twilio/status';
export const TWILIO_INBOUND_PATH = '/api/v1/providers/twilio/inbound';

/** The delivery that a report is about. */
export interface ReportedDelivery {
  tenant_id: TenantId;
  delivery_id: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The address for reports on one delivery. It names the delivery, because Twilio's answer with the id of the message
 * may be lost. The signature of the callback covers the address.
 */
export function statusCallbackOf(publicUrl: string, { tenant_id, delivery_id }: ReportedDelivery): string {
  return `${publicUrl}${TWILIO_STATUS_PATH}?${new URLSearchParams({ tenant: tenant_id, delivery: delivery_id }).toString()}`;
}

/** The delivery that an address for reports names, or undefined. */
export function reportedDeliveryIn(query: URLSearchParams): ReportedDelivery | undefined {
  const [tenant_id, delivery_id] = [query.get('tenant'), query.get('delivery')];
  return isTenantId(tenant_id) && delivery_id !== null && UUID.test(delivery_id)
    ? { tenant_id, delivery_id: delivery_id.toLowerCase() }
    : undefined;
}

/** A phone number as Twilio writes it for a channel: `whatsapp:+49…`, `+49…`. */
export const twilioNumber = (channel: 'sms' | 'whatsapp', number: string): string =>
  channel === 'whatsapp' ? `whatsapp:${number}` : number;

/** Reads the channel and the number from such a text. Undefined when it is not a phone number, as in a web chat. */
export function phoneIn(text: string): { channel: 'sms' | 'whatsapp'; number: string } | undefined {
  const [, prefix, number] = /^(whatsapp:)?(\+[1-9]\d{6,14})$/.exec(text.trim()) ?? [];
  return number === undefined ? undefined : { channel: prefix ? 'whatsapp' : 'sms', number };
}
