import { useLateWords, type LateWords } from '../words/late-words';

/** Services whose outage has words; of another one only the state is said. */
const SERVICES = [
  'postgres',
  'postgres_session',
  'inbox',
  'redis',
  'redis_queue',
  'redis_plain',
  'rabbitmq',
  'nats',
  'nats_bus',
  'tenant_service',
  'revocations',
  'jwks',
] as const;
type Service = (typeof SERVICES)[number];

type WordId =
  | `name.${Service}`
  | `away.${Service}`
  | `status.${'up' | 'down' | 'unknown'}`
  | `queue.${'all' | 'urgent' | 'common' | 'suspects' | 'given_up' | 'noAge' | 'withInHand' | 'withoutInHand'}`
  | `process.${'version' | 'heard' | 'silent' | 'started'}`
  | 'title'
  | 'scope'
  | 'asOf'
  | 'notKnown'
  | 'notKnown.value'
  | 'loading'
  | 'services'
  | 'since'
  | 'optional'
  | 'runbook'
  | 'runbook.of'
  | 'processes'
  | 'versions'
  | 'versions.apart'
  | 'weak'
  | 'weak.none'
  | 'gateway'
  | 'version'
  | 'started'
  | 'clients'
  | 'clients.taken'
  | 'clients.refused'
  | 'streams'
  | 'streams.of'
  | 'ofLimit'
  | 'streams.limit'
  | 'tenants'
  | 'tenants.limit'
  | 'slow'
  | 'closed'
  | 'closed.none'
  | 'closed.last'
  | 'users'
  | 'users.none'
  | 'delivery'
  | 'delivery.of'
  | 'delivery.none'
  | 'last'
  | 'last.none'
  | 'refused'
  | 'waiting'
  | 'deliveries'
  | 'deliveries.all'
  | 'deliveries.oldest'
  | 'refused.some'
  | 'refused.show';

export const healthWords: LateWords<WordId> = {
  en: {
    title: 'Health',
    scope:
      'Services and streams as the gateway that answered this page sees them. Another gateway may see them otherwise.',
    asOf: 'As of',
    notKnown: 'Not known: the gateway did not answer. What follows is how it was',
    'notKnown.value': 'not known',
    loading: 'Loading',
    services: 'Services',
    since: 'since',
    optional: 'The gateway serves without it.',
    runbook: 'What to do',
    'runbook.of': 'What to do: {about}',
    processes: 'Processes',
    'process.version': 'version {version}, build {commit}',
    'process.heard': 'heard',
    'process.silent': 'silent, last heard',
    'process.started': 'started',
    versions: 'Versions',
    'versions.apart': 'The processes are of different builds.',
    weak: 'What is weak in the settings of this gateway',
    'weak.none': 'It knows of nothing.',
    'queue.all': 'Messages in the queue',
    'queue.urgent': 'Urgent messages in the queue ({queue})',
    'queue.common': 'Other messages in the queue ({queue})',
    'queue.suspects': 'Messages that came back and are handled alone ({queue})',
    'queue.given_up': 'Messages that came back too often ({queue})',
    'queue.noAge': 'it is not known since when',
    'queue.withInHand': 'with those that a processor has in hand',
    'queue.withoutInHand': 'without those that a processor has in hand',
    'status.up': 'up',
    'status.down': 'away',
    'status.unknown': 'not known yet',
    'name.postgres': 'PostgreSQL',
    'name.redis': 'Redis',
    'name.rabbitmq': 'RabbitMQ',
    'name.tenant_service': 'Tenant service',
    'name.revocations': 'Revoked rights',
    'name.postgres_session': 'Announcements of PostgreSQL',
    'name.inbox': 'Queue in PostgreSQL',
    'name.redis_queue': 'Queue in Redis',
    'name.redis_plain': 'Plain messages in Redis',
    'name.nats': 'NATS',
    'name.nats_bus': 'Bus in NATS',
    'name.jwks': 'Keys of the token issuer',
    'away.postgres':
      'Lists, searches and acts fail, and no alert is stored. What was confirmed waits; nothing is lost.',
    'away.redis': 'Alerts arrive up to 3 s later, and limits count each gateway alone. Nothing is lost.',
    'away.tenant_service': 'The last answers count for up to 10 minutes. Users without one cannot open a stream.',
    'away.revocations': 'Those that are known stay in force; new ones are not learnt.',
    'away.rabbitmq': 'Nothing can be published over this gateway. Publishers are told, and try again.',
    'away.postgres_session': 'Alerts arrive up to 3 s later. Nothing is lost.',
    'away.inbox': 'This process stores no alerts. What was confirmed waits; nothing is lost.',
    'away.redis_plain': 'What other programs publish in Redis meanwhile becomes no alert, and is not repeated.',
    'away.redis_queue': 'Nothing can be published over this gateway. Publishers are told, and try again.',
    'away.nats': 'Nothing can be published over this gateway. Publishers are told, and try again.',
    'away.nats_bus': 'Alerts arrive up to 3 s later, and limits count each gateway alone. Nothing is lost.',
    'away.jwks': 'Known keys count for up to 24 hours. Users whose token has a newer key cannot open a stream.',
    gateway: 'This gateway',
    version: 'Version',
    started: 'Started',
    clients: 'New clients',
    'clients.taken': 'are taken',
    'clients.refused': 'are sent elsewhere: {why}',
    streams: 'Streams',
    'streams.of': '{streams} of {tenants, plural, one {# tenant} other {# tenants}}',
    ofLimit: '{value} of {limit}',
    'streams.limit': 'at most {limit}',
    tenants: 'Most streams by tenant',
    'tenants.limit': 'The limit is that of all gateways together.',
    closed: '{count, plural, =0 {Last closed streams} one {The last closed stream} other {The last # closed streams}}',
    'closed.none': 'none was closed',
    'closed.last': 'the last one',
    slow: 'Closed because the client read too slowly',
    users: 'Most streams by user',
    'users.none': 'none is open',
    delivery: 'Alerts, received to written',
    'delivery.of':
      'half within {p50} ms, 99 % within {p99} ms; {samples, plural, one {# alert} other {# alerts}} measured in the last {minutes} min',
    'delivery.none': 'not known: no alert was sent in the last minutes',
    last: 'Last entry sent',
    'last.none': 'none to these tenants',
    refused: 'Refused messages',
    'refused.some':
      '{count, plural, =0 {none waits for a decision} one {# waits for a decision} other {# wait for a decision}}',
    waiting: 'Waiting',
    deliveries: 'Due deliveries by {channel}',
    'deliveries.all': 'Due deliveries',
    'deliveries.oldest': 'the oldest since',
    'refused.show': 'Show them',
  },
  es: {
    title: 'Estado',
    scope:
      'Servicios y conexiones tal como los ve la pasarela que respondió a esta página. Otra puede verlos de otra manera.',
    asOf: 'Visto',
    notKnown: 'No se sabe: la pasarela no respondió. Lo que sigue es como estaba',
    'notKnown.value': 'no se sabe',
    loading: 'Cargando',
    services: 'Servicios',
    since: 'desde',
    optional: 'La pasarela atiende sin él.',
    runbook: 'Qué hacer',
    'runbook.of': 'Qué hacer: {about}',
    processes: 'Procesos',
    'process.version': 'versión {version}, compilación {commit}',
    'process.heard': 'visto',
    'process.silent': 'callado, visto por última vez',
    'process.started': 'iniciado',
    versions: 'Versiones',
    'versions.apart': 'Los procesos son de compilaciones distintas.',
    weak: 'Lo débil en la configuración de esta pasarela',
    'weak.none': 'No conoce nada.',
    'queue.all': 'Mensajes en la cola',
    'queue.urgent': 'Mensajes urgentes en la cola ({queue})',
    'queue.common': 'Los demás mensajes en la cola ({queue})',
    'queue.suspects': 'Mensajes que volvieron y se tratan uno a uno ({queue})',
    'queue.given_up': 'Mensajes que volvieron demasiadas veces ({queue})',
    'queue.noAge': 'no se sabe desde cuándo',
    'queue.withInHand': 'con los que un procesador tiene en la mano',
    'queue.withoutInHand': 'sin los que un procesador tiene en la mano',
    'status.up': 'responde',
    'status.down': 'no responde',
    'status.unknown': 'aún no se sabe',
    'name.postgres': 'PostgreSQL',
    'name.redis': 'Redis',
    'name.rabbitmq': 'RabbitMQ',
    'name.tenant_service': 'Servicio de organizaciones',
    'name.revocations': 'Derechos revocados',
    'name.postgres_session': 'Anuncios de PostgreSQL',
    'name.inbox': 'Cola en PostgreSQL',
    'name.redis_queue': 'Cola en Redis',
    'name.redis_plain': 'Mensajes simples en Redis',
    'name.nats': 'NATS',
    'name.nats_bus': 'Bus en NATS',
    'name.jwks': 'Claves del emisor de tokens',
    'away.postgres':
      'Las listas, las búsquedas y las acciones fallan, y no se guarda ninguna alerta. Lo confirmado espera; nada se pierde.',
    'away.redis': 'Las alertas llegan hasta 3 s más tarde y los límites cuentan por pasarela. Nada se pierde.',
    'away.tenant_service':
      'Las últimas respuestas valen hasta 10 minutos. Quien no tiene una no puede abrir una conexión.',
    'away.revocations': 'Los conocidos siguen en vigor; los nuevos no se conocen.',
    'away.rabbitmq': 'No se puede publicar por esta pasarela. Quien publica lo sabe y lo intenta de nuevo.',
    'away.postgres_session': 'Las alertas llegan hasta 3 s más tarde. Nada se pierde.',
    'away.inbox': 'Este proceso no guarda alertas. Lo confirmado espera; nada se pierde.',
    'away.redis_plain':
      'Lo que otros programas publican en Redis mientras tanto no se convierte en alerta ni se repite.',
    'away.redis_queue': 'No se puede publicar por esta pasarela. Quien publica lo sabe y lo intenta de nuevo.',
    'away.nats': 'No se puede publicar por esta pasarela. Quien publica lo sabe y lo intenta de nuevo.',
    'away.nats_bus': 'Las alertas llegan hasta 3 s más tarde y los límites cuentan por pasarela. Nada se pierde.',
    'away.jwks':
      'Las claves conocidas valen hasta 24 horas. Quien tiene un token con una clave más nueva no puede abrir una conexión.',
    gateway: 'Esta pasarela',
    version: 'Versión',
    started: 'Iniciada',
    clients: 'Clientes nuevos',
    'clients.taken': 'se aceptan',
    'clients.refused': 'se envían a otra: {why}',
    streams: 'Conexiones',
    'streams.of': '{streams} de {tenants, plural, one {# organización} other {# organizaciones}}',
    ofLimit: '{value} de {limit}',
    'streams.limit': 'como máximo {limit}',
    tenants: 'Más conexiones por organización',
    'tenants.limit': 'El límite es el de todas las pasarelas juntas.',
    closed:
      '{count, plural, =0 {Últimas conexiones cerradas} one {La última conexión cerrada} other {Las últimas # conexiones cerradas}}',
    'closed.none': 'ninguna se cerró',
    'closed.last': 'la última',
    slow: 'Cerradas porque el cliente leía demasiado despacio',
    users: 'Más conexiones por usuario',
    'users.none': 'ninguna abierta',
    delivery: 'Alertas, de recibidas a escritas',
    'delivery.of':
      'la mitad en {p50} ms, el 99 % en {p99} ms; {samples, plural, one {# alerta medida} other {# alertas medidas}} en los últimos {minutes} min',
    'delivery.none': 'no se sabe: no se envió ninguna alerta en los últimos minutos',
    last: 'Última entrada enviada',
    'last.none': 'ninguna a estas organizaciones',
    refused: 'Mensajes rechazados',
    'refused.some':
      '{count, plural, =0 {ninguno espera una decisión} one {# espera una decisión} other {# esperan una decisión}}',
    waiting: 'En espera',
    deliveries: 'Envíos pendientes por {channel}',
    'deliveries.all': 'Envíos pendientes',
    'deliveries.oldest': 'el más antiguo desde',
    'refused.show': 'Mostrarlos',
  },
};

export const useHealthWords = () => useLateWords(healthWords);

export const hasWords = (name: string): name is Service => SERVICES.some((one) => one === name);
