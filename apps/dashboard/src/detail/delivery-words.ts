import type { Channel, DeliveryReason } from '@tocsin/contracts/wire';
import { useLateWords, type LateWords } from '../words/late-words';
import type { DeliveryState } from './delivery-state';

type WordId =
  | `channel.${Channel}`
  | `state.${DeliveryState}`
  | `reason.${DeliveryReason}`
  | `try.${'underWay' | 'sent' | 'retry' | 'failed' | 'unknown'}`
  | `tally.${'sent' | 'pending' | 'dead' | 'unknown' | 'cancelled'}`
  | 'none'
  | 'none.why'
  | 'notKnown'
  | 'notKnown.since'
  | 'more'
  | 'due.now'
  | 'due.in'
  | 'try.number'
  | 'try.none'
  | 'again'
  | 'again.twice'
  | 'again.go';

export const deliveryWords: LateWords<WordId> = {
  en: {
    none: 'Nothing was sent about this alert.',
    'none.why': 'No recipient is set for it, or this installation sends nothing.',
    notKnown: 'Not known: the deliveries could not be loaded.',
    'notKnown.since': 'Not known since {time}.',
    more: 'Show all {count}',
    'tally.sent': '{count} sent',
    'tally.pending': '{count} under way',
    'tally.dead': '{count} not sent',
    'tally.unknown': '{count} not known',
    'tally.cancelled': '{count} cancelled',

    'channel.email': 'E-mail',
    'channel.sms': 'SMS',
    'channel.whatsapp': 'WhatsApp',
    'channel.webhook': 'Webhook',
    'channel.push': 'Push',

    'state.waiting': 'Waiting, {due}',
    'state.sending': '{n, plural, =1 {Sending} other {Sending, try #}}',
    'state.again': 'Waiting for try {n}, {due}',
    'state.sent': 'Sent',
    'state.delivered': 'Delivered',
    'state.read': 'Read',
    'state.refused': 'Refused for good',
    'state.given_up': '{n, plural, one {Given up after # try} other {Given up after # tries}}',
    'state.undelivered': 'Did not arrive',
    'state.expired': 'Expired before it could be sent',
    'state.cancelled': 'Cancelled',
    'state.unknown': 'May have been sent',
    'state.superseded': 'Not sent: planned before this version',
    'due.now': 'due now',
    'due.in': 'due in {span}',

    'try.number': 'Try {n}',
    'try.none': 'Nothing was tried.',
    'try.underWay': 'under way',
    'try.sent': 'accepted',
    'try.retry': 'failed',
    'try.failed': 'refused',
    'try.unknown': 'no clear answer',

    again: 'Send again',
    'again.twice': 'It may arrive twice.',
    'again.go': 'Send all the same',

    'reason.timeout': 'no answer in time',
    'reason.connection_failed': 'no connection',
    'reason.connection_lost': 'the connection broke',
    'reason.rate_limited': 'the provider asks to wait',
    'reason.provider_error': 'a fault at the provider',
    'reason.rejected': 'the provider refuses this message',
    'reason.unauthorized': 'the provider refuses our credentials',
    'reason.invalid_recipient': 'the recipient cannot be reached there',
    'reason.gone': 'the recipient is no longer there',
    'reason.blocked_address': 'the address leads into a private network',
    'reason.redirected': 'the address redirects',
    'reason.answer_too_large': 'the answer was too large',
    'reason.not_configured': 'what it needs is not set up here',
    'reason.template_failed': 'the text could not be made',
    'reason.unsubscribed': 'the recipient has unsubscribed',
    'reason.endpoint_disabled': 'the webhook is switched off after days of failures',
    'reason.worker_lost': 'the notifier stopped during the attempt',
    'reason.too_old': 'too old for this channel',
    'reason.alert_over': 'the alert was taken or resolved first',
    'reason.by_request': 'a user cancelled it',
  },
  es: {
    none: 'No se ha enviado nada sobre esta alerta.',
    'none.why': 'No tiene destinatarios, o esta instalación no envía nada.',
    notKnown: 'No se sabe: los envíos no se han podido cargar.',
    'notKnown.since': 'No se sabe desde {time}.',
    more: 'Mostrar los {count}',
    'tally.sent': '{count, plural, one {# enviado} other {# enviados}}',
    'tally.pending': '{count} en curso',
    'tally.dead': '{count} sin enviar',
    'tally.unknown': '{count} sin saberse',
    'tally.cancelled': '{count, plural, one {# cancelado} other {# cancelados}}',

    'channel.email': 'Correo',
    'channel.sms': 'SMS',
    'channel.whatsapp': 'WhatsApp',
    'channel.webhook': 'Webhook',
    'channel.push': 'Push',

    'state.waiting': 'En espera, {due}',
    'state.sending': '{n, plural, =1 {Enviando} other {Enviando, intento #}}',
    'state.again': 'En espera del intento {n}, {due}',
    'state.sent': 'Enviado',
    'state.delivered': 'Entregado',
    'state.read': 'Leído',
    'state.refused': 'Rechazado definitivamente',
    'state.given_up': '{n, plural, one {Abandonado tras # intento} other {Abandonado tras # intentos}}',
    'state.undelivered': 'No llegó',
    'state.expired': 'Caducado antes de poder enviarse',
    'state.cancelled': 'Cancelado',
    'state.unknown': 'Puede que se haya enviado',
    'state.superseded': 'No enviado: planificado antes de esta versión',
    'due.now': 'ahora',
    'due.in': 'en {span}',

    'try.number': 'Intento {n}',
    'try.none': 'No se ha intentado nada.',
    'try.underWay': 'en curso',
    'try.sent': 'aceptado',
    'try.retry': 'fallido',
    'try.failed': 'rechazado',
    'try.unknown': 'sin respuesta clara',

    again: 'Enviar otra vez',
    'again.twice': 'Puede llegar dos veces.',
    'again.go': 'Enviar de todos modos',

    'reason.timeout': 'sin respuesta a tiempo',
    'reason.connection_failed': 'sin conexión',
    'reason.connection_lost': 'la conexión se cortó',
    'reason.rate_limited': 'el proveedor pide esperar',
    'reason.provider_error': 'un fallo del proveedor',
    'reason.rejected': 'el proveedor rechaza este mensaje',
    'reason.unauthorized': 'el proveedor rechaza nuestras credenciales',
    'reason.invalid_recipient': 'no se puede llegar al destinatario',
    'reason.gone': 'el destinatario ya no está allí',
    'reason.blocked_address': 'la dirección lleva a una red privada',
    'reason.redirected': 'la dirección redirige a otra',
    'reason.answer_too_large': 'la respuesta era demasiado grande',
    'reason.not_configured': 'lo que necesita no está configurado aquí',
    'reason.template_failed': 'el texto no se pudo componer',
    'reason.unsubscribed': 'el destinatario se ha dado de baja',
    'reason.endpoint_disabled': 'el webhook se desactivó tras días de fallos',
    'reason.worker_lost': 'el notificador se detuvo durante el intento',
    'reason.too_old': 'demasiado antiguo para este canal',
    'reason.alert_over': 'la alerta se atendió o se resolvió antes',
    'reason.by_request': 'un usuario lo canceló',
  },
};

export const useDeliveryWords = () => useLateWords(deliveryWords);
