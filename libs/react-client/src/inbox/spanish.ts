import type { InboxWords } from './inbox-words';

const urgentes = (count: number) => `${count} ${count === 1 ? 'urgente' : 'urgentes'}`;
const alertas = (count: number) => `${count} ${count === 1 ? 'alerta' : 'alertas'}`;

/** What the gateway's error codes mean, in Spanish: its own sentences are English. */
const REASONS: Readonly<Record<string, string>> = {
  alert_conflict: 'Otra persona actuó antes.',
  not_found: 'La alerta no existe, o no puede verla.',
  role_forbidden: 'Su rol solo permite leer.',
  insufficient_scope: 'Su sesión solo permite leer.',
  tenant_forbidden: 'No tiene acceso a ese cliente.',
  no_tenant: 'No tiene acceso a ningún cliente.',
  no_credential: 'No ha iniciado sesión.',
  token_expired: 'Su sesión ha terminado.',
  token_revoked: 'Su sesión ha terminado.',
  invalid_token: 'Su sesión no es válida.',
  unreachable: 'No se puede contactar con el servidor.',
  rate_limited: 'Demasiadas peticiones. Inténtelo dentro de un momento.',
};
const reason = (detail: string, code: string) => REASONS[code] ?? `El servidor no pudo hacerlo: ${detail}`;

/** The inbox in Spanish. */
export const SPANISH: InboxWords = {
  title: 'Alertas',
  unseen: (count, urgent, more) =>
    count === 0
      ? 'Alertas: nada nuevo'
      : `Alertas: ${more ? 'al menos ' : ''}${count} ${count === 1 ? 'nueva' : 'nuevas'}${urgent > 0 ? `, ${urgentes(urgent)}` : ''}`,
  close: 'Cerrar',
  tabs: { all: 'Todas', mine: 'Mías', urgent: 'Urgentes' },
  loading: 'Cargando…',
  empty: { all: 'Todo tranquilo.', mine: 'No tiene alertas asignadas.', urgent: 'Nada urgente.' },
  emptySoFar: 'Nada encontrado hasta ahora.',
  emptyAsOf: (time) => `No había nada abierto (último dato: ${time}).`,
  more: 'Mostrar más',
  retry: 'Reintentar',
  acknowledge: 'Reconocer',
  dismiss: 'Descartar',
  andMore: (count, urgent) => `y ${count} más${urgent > 0 ? ` · ${urgentes(urgent)}` : ''}`,
  missed: (count) =>
    count === null
      ? 'Algunas alertas no se pudieron recuperar.'
      : `${alertas(count)} no se ${count === 1 ? 'pudo' : 'pudieron'} recuperar.`,
  reload: 'Cargarlas',
  severity: { urgent: 'urgente', high: 'alta', medium: 'media', low: 'baja' },
  status: { firing: '', acknowledged: 'reconocida', snoozed: 'pospuesta', resolved: 'resuelta' },
  state: {
    closed: '',
    live: '',
    connecting: 'Conectando…',
    catching_up: 'Poniéndose al día…',
    stale: 'El servidor no responde',
    reconnecting: 'Reconectando…',
    offline: 'Sin conexión',
    signed_out: 'Su sesión ha terminado',
    forbidden: 'No puede ver alertas',
  },
  advice: {
    stale: 'Aquí pueden faltar alertas nuevas.',
    reconnecting: 'Aquí pueden faltar alertas nuevas. Llegarán cuando vuelva la conexión.',
    offline: 'Aquí pueden faltar alertas nuevas. Llegarán cuando vuelva la red.',
    signed_out: 'No llegarán alertas nuevas hasta que inicie sesión.',
    forbidden: 'Pida acceso a quien administra su cuenta.',
  },
  signIn: 'Iniciar sesión',
  refused: reason,
  failed: reason,
  details: 'Detalles',
  back: 'Volver',
  missing: 'La alerta no existe, o no puede verla.',
  labels: 'Etiquetas',
  history: 'Historial',
  acts: 'Qué puede hacer',
  act: {
    acknowledge: 'Reconocer',
    unacknowledge: 'Retirar',
    resolve: 'Resolver',
    reopen: 'Reabrir',
    snooze: 'Posponer',
    unsnooze: 'Despertar',
  },
  assignToMe: 'Asignarme',
  unassign: 'Quitar asignación',
  snoozes: { hour: '1 hora', hours: '4 horas', tomorrow: 'Hasta mañana a las 8:00', week: 'Una semana' },
  occurrences: (count) => `${count} veces`,
  firstSeen: 'Vista por primera vez',
  lastSeen: 'Vista por última vez',
  change: {
    raised: 'Avisada',
    reopened: 'Reabierta',
    severity_raised: 'Más grave',
    severity_lowered: 'Menos grave',
    repeated: 'Repetida',
    resolved: 'Resuelta',
    stale: 'Un mensaje tardío',
    acknowledged: 'Reconocida',
    unacknowledged: 'Reconocimiento retirado',
    snoozed: 'Pospuesta',
    unsnoozed: 'Despertada',
    assigned: 'Asignada',
    noted: 'Nota',
  },
  wasAssignedTo: (name) => `Asignada a ${name}`,
  wasUnassigned: 'Asignación retirada',
  by: (name) => `por ${name}`,
  you: 'usted',
  assignedTo: (name) => `asignada a ${name}`,
  acknowledgedBy: (name) => `reconocida por ${name}`,
  snoozedUntil: (time) => `pospuesta hasta ${time}`,
};
