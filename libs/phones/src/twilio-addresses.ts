import { isTenantId, type TenantId } from '@tocsin/contracts';

/** Where Twilio reports what became of a message, and where it passes on replies: paths of the gateway. */
export const TWILIO_STATUS_PATH = '/api/v1/providers/twilio/status';
export const TWILIO_INBOUND_PATH = '/api/v1/providers/twilio/inbound';

/** The delivery that a report is about. */
export interface ReportedDelivery {
  tenant_id: TenantId;
  delivery_id: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The address for reports on one delivery. It names the delivery, so that a report finds it even when Twilio's answer,
 * which tells the id of the message, was lost. The signature of the callback covers it.
 */
export function statusCallbackOf(publicUrl: string, { tenant_id, delivery_id }: ReportedDelivery): string {
  return `${publicUrl}${TWILIO_STATUS_PATH}?${new URLSearchParams({ tenant: tenant_id, delivery: delivery_id }).toString()}`;
}

/** The delivery that such an address names. Undefined when it names none. */
export function reportedDeliveryIn(query: URLSearchParams): ReportedDelivery | undefined {
  const [tenant_id, delivery_id] = [query.get('tenant'), query.get('delivery')];
  return isTenantId(tenant_id) && delivery_id !== null && UUID.test(delivery_id)
    ? { tenant_id, delivery_id: delivery_id.toLowerCase() }
    : undefined;
}

/** A phone number as Twilio writes it for a channel: `whatsapp:+49…`, `+49…`. */
export const twilioNumber = (channel: 'sms' | 'whatsapp', number: string): string =>
  channel === 'whatsapp' ? `whatsapp:${number}` : number;

/** The channel and the number of such a text. Undefined when it is no phone number, such as that of a web chat. */
export function phoneIn(text: string): { channel: 'sms' | 'whatsapp'; number: string } | undefined {
  const [, prefix, number] = /^(whatsapp:)?(\+[1-9]\d{6,14})$/.exec(text.trim()) ?? [];
  return number === undefined ? undefined : { channel: prefix ? 'whatsapp' : 'sms', number };
}
