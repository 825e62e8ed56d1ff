import { useLateWords, type LateWords } from '../words/late-words';

/** The reasons that have words; another one is shown by its code alone. */
const REASONS = [
  'message_too_large',
  'invalid_encoding',
  'invalid_utf8',
  'invalid_json',
  'too_deep',
  'control_characters',
  'foreign_envelope',
  'unknown_field',
  'missing_tenant',
  'missing_service',
  'invalid_field',
  'id_conflict',
  'store_failed',
  'tenant_forbidden',
  'delivery_limit',
] as const;
type Reason = (typeof REASONS)[number];

type WordId =
  | `reason.${Reason}`
  | `help.${'producer' | 'id' | 'store' | 'rights' | 'process'}`
  | 'reason.other'
  | 'title'
  | 'scope.own'
  | 'scope.all'
  | 'open'
  | 'none'
  | 'none.why'
  | 'notKnown'
  | 'notAllowed'
  | 'notice'
  | 'notice.why'
  | 'first'
  | 'first.more'
  | 'filter'
  | 'filter.all'
  | 'noTenant'
  | 'noService'
  | 'body'
  | 'body.marked'
  | 'body.bytes'
  | 'body.truncated'
  | 'loading'
  | 'redrive'
  | 'discard'
  | 'curl'
  | 'redriven'
  | 'discarded'
  | 'many.redrive'
  | 'many.discard'
  | 'many.done'
  | 'many.failed'
  | 'ask.one'
  | 'ask.many'
  | 'ask.why'
  | 'ask.kept'
  | 'ask.redrive'
  | 'ask.again'
  | 'readOnly'
  | 'older'
  | 'guide'
  | 'health';

export const refusedWords: LateWords<WordId> = {
  en: {
    title: 'Refused messages',
    'scope.own': 'Of your tenants.',
    'scope.all': 'Of every tenant, and of messages that name none.',
    open: '{count, plural, =0 {None waits for a decision} one {# waits for a decision} other {# wait for a decision}}',
    none: 'No message is refused',
    'none.why': 'What your services send is stored.',
    notKnown: 'Not known: the refused messages could not be loaded.',
    notAllowed: 'You may not see refused messages. It takes the scope dead_letters:manage, and a role above viewer.',
    notice: '{count, plural, one {# message was refused} other {# messages were refused}}, the last {ago}',
    'notice.why': 'Why',
    first: '{service} sent its first refused message in a day',
    'first.more': '{count, plural, one {# more since} other {# more since}}',
    filter: 'Reason',
    'filter.all': 'Every reason',
    noTenant: 'no tenant',
    noService: 'no service',
    body: 'The message as it came',
    'body.marked': 'The marked part is what was refused.',
    'body.bytes': 'It is no text: {count} bytes, in base64.',
    'body.truncated': 'Only its beginning is kept, so it cannot be redriven.',
    loading: 'Loading',
    redrive: 'Redrive',
    discard: 'Discard…',
    curl: 'Copy as curl',
    redriven: 'It was sent to the queue again.',
    discarded: 'It was discarded.',
    'many.redrive': 'Redrive these…',
    'many.discard': 'Discard these…',
    'many.done': '{count} decided, {left} left.',
    'many.failed': 'The queue did not take {count}: they stay here.',
    'ask.one': 'Discard this message?',
    'ask.many': 'Discard these messages, at most 500 at once?',
    'ask.why': 'Why, for the record',
    'ask.kept': 'What is discarded is kept for 30 days with your name and the reason, and cannot be redriven.',
    'ask.redrive': 'Redrive these messages, at most 500 at once?',
    'ask.again': 'Their bytes are sent to the queue again, unchanged. What is refused again comes back here.',
    readOnly: 'You may only read the messages of this tenant.',
    older: 'Load older ones',
    guide: 'What each reason means',
    health: 'Health',

    'reason.message_too_large': 'The message is too large',
    'reason.invalid_encoding': 'The message is not compressed as it says',
    'reason.invalid_utf8': 'The message is not valid UTF-8',
    'reason.invalid_json': 'The message is not valid JSON',
    'reason.too_deep': 'The message is nested too deeply',
    'reason.control_characters': 'The message has control characters',
    'reason.foreign_envelope': 'The message is wrapped in the format of another system',
    'reason.unknown_field': 'The message has a field that is not known',
    'reason.missing_tenant': 'The message names no tenant',
    'reason.missing_service': 'The message names no service',
    'reason.invalid_field': 'A field of the message is not valid',
    'reason.id_conflict': 'Another message is stored with the same id',
    'reason.store_failed': 'The database refused the message',
    'reason.tenant_forbidden': 'The sender may not publish for this tenant',
    'reason.delivery_limit': 'The message ended each process that read it',
    'reason.other': 'The message was refused',
    'help.producer': 'Correct the service that sends it, have it sent again, and discard this one.',
    'help.id': 'Give each message an id of its own, or none. Then discard this one.',
    'help.store': 'The log of the processor says why. When that is corrected, redrive it.',
    'help.rights': 'Correct the sender or its token. Redrive it only if it belongs to this tenant.',
    'help.process': 'Correct the processor first: otherwise a redrive ends it again.',
  },
  es: {
    title: 'Mensajes rechazados',
    'scope.own': 'De sus organizaciones.',
    'scope.all': 'De todas las organizaciones, y de los mensajes que no nombran ninguna.',
    open: '{count, plural, =0 {Ninguno espera una decisión} one {# espera una decisión} other {# esperan una decisión}}',
    none: 'Ningún mensaje está rechazado',
    'none.why': 'Lo que envían sus servicios se guarda.',
    notKnown: 'No se sabe: los mensajes rechazados no se han podido cargar.',
    notAllowed:
      'No puede ver los mensajes rechazados. Hace falta el permiso dead_letters:manage y un rol superior a viewer.',
    notice: '{count, plural, one {Se rechazó # mensaje} other {Se rechazaron # mensajes}}, el último {ago}',
    'notice.why': 'Por qué',
    first: '{service} envió su primer mensaje rechazado en un día',
    'first.more': '{count, plural, one {# más desde entonces} other {# más desde entonces}}',
    filter: 'Motivo',
    'filter.all': 'Todos los motivos',
    noTenant: 'sin organización',
    noService: 'sin servicio',
    body: 'El mensaje tal como llegó',
    'body.marked': 'La parte marcada es la que se rechazó.',
    'body.bytes': 'No es texto: {count} bytes, en base64.',
    'body.truncated': 'Solo se conserva el principio, así que no se puede reenviar.',
    loading: 'Cargando',
    redrive: 'Reenviar',
    discard: 'Descartar…',
    curl: 'Copiar como curl',
    redriven: 'Se envió otra vez a la cola.',
    discarded: 'Se descartó.',
    'many.redrive': 'Reenviar estos…',
    'many.discard': 'Descartar estos…',
    'many.done': '{count} decididos, quedan {left}.',
    'many.failed': 'La cola no aceptó {count}: siguen aquí.',
    'ask.one': '¿Descartar este mensaje?',
    'ask.many': '¿Descartar estos mensajes, 500 como máximo cada vez?',
    'ask.why': 'Por qué, para que conste',
    'ask.kept': 'Lo descartado se conserva 30 días con su nombre y el motivo, y no se puede reenviar.',
    'ask.redrive': '¿Reenviar estos mensajes, 500 como máximo cada vez?',
    'ask.again': 'Sus bytes se envían otra vez a la cola, sin cambios. Lo que se rechace otra vez vuelve aquí.',
    readOnly: 'Solo puede leer los mensajes de esta organización.',
    older: 'Cargar anteriores',
    guide: 'Qué significa cada motivo',
    health: 'Estado',

    'reason.message_too_large': 'El mensaje es demasiado grande',
    'reason.invalid_encoding': 'El mensaje no está comprimido como dice',
    'reason.invalid_utf8': 'El mensaje no es UTF-8 válido',
    'reason.invalid_json': 'El mensaje no es JSON válido',
    'reason.too_deep': 'El mensaje tiene demasiados niveles',
    'reason.control_characters': 'El mensaje tiene caracteres de control',
    'reason.foreign_envelope': 'El mensaje viene envuelto en el formato de otro sistema',
    'reason.unknown_field': 'El mensaje tiene un campo que no se conoce',
    'reason.missing_tenant': 'El mensaje no nombra ninguna organización',
    'reason.missing_service': 'El mensaje no nombra ningún servicio',
    'reason.invalid_field': 'Un campo del mensaje no es válido',
    'reason.id_conflict': 'Ya hay otro mensaje guardado con el mismo id',
    'reason.store_failed': 'La base de datos rechazó el mensaje',
    'reason.tenant_forbidden': 'El remitente no puede publicar para esta organización',
    'reason.delivery_limit': 'El mensaje detuvo cada proceso que lo leyó',
    'reason.other': 'El mensaje fue rechazado',
    'help.producer': 'Corrija el servicio que lo envía, haga que lo envíe otra vez y descarte este.',
    'help.id': 'Dé a cada mensaje un id propio, o ninguno. Después descarte este.',
    'help.store': 'El registro del procesador dice por qué. Cuando esté corregido, reenvíelo.',
    'help.rights': 'Corrija el remitente o su token. Reenvíelo solo si pertenece a esta organización.',
    'help.process': 'Corrija antes el procesador: si no, al reenviarlo se detiene otra vez.',
  },
};

export const useRefusedWords = () => useLateWords(refusedWords);

const isReason = (code: string): code is Reason => (REASONS as readonly string[]).includes(code);

/** The id of the words for a reason. */
export const reasonWord = (code: string): WordId => (isReason(code) ? `reason.${code}` : 'reason.other');

const HELP: Partial<Record<string, WordId>> = {
  id_conflict: 'help.id',
  store_failed: 'help.store',
  tenant_forbidden: 'help.rights',
  delivery_limit: 'help.process',
};

/** The id of the words for what helps. */
export const helpWord = (code: string): WordId => HELP[code] ?? 'help.producer';
