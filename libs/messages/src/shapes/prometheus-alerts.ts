import { hash } from 'node:crypto';
import { NotDecoded } from '../decode-body';
import { severityOf, statusOf } from '../understood-names';
import {
  actionTo,
  asService,
  cut,
  isObject,
  isText,
  present,
  type JsonObject,
  type MessagePart,
  type MessageShape,
} from './message-part';

/**
 * The webhook of Alertmanager (version 4) and of Grafana, which extended it: a group of alerts, each a message of its
 * own.
 *
 * The webhook describes the present state (`snapshot`): the same alert comes again for as long as it fires, with other
 * words if they hold a measured value, and after its end it may fire again with its earlier `startsAt`. So `dedup_key`
 * is the fingerprint, and the id is made anew for each receipt. docs/decisions/0015.
 */
export function readPrometheusAlerts(value: unknown): MessageShape | undefined {
  if (
    !isObject(value) ||
    !Array.isArray(value.alerts) ||
    value.alerts.length === 0 ||
    !isText(value.groupKey) ||
    !isText(value.version)
  )
    return undefined;
  const { alerts, truncatedAlerts } = value as { alerts: unknown[]; truncatedAlerts?: unknown };
  const name = 'orgId' in value ? 'grafana' : 'alertmanager';
  // repeated in each of its alerts, so a long text of the group would be there as often as there are alerts
  const group = present({
    receiver: cut(value.receiver, MAX_OF_GROUP),
    group_key: cut(value.groupKey, MAX_OF_GROUP),
    external_url: cut(value.externalURL, MAX_OF_GROUP),
  });
  const count = typeof truncatedAlerts === 'number' && truncatedAlerts > 0 ? Math.trunc(truncatedAlerts) : 0;
  const notice = leftOut(count, value, group);
  return {
    name,
    webhook: true,
    count: alerts.length + (count > 0 ? 1 : 0),
    part: (index) => (index < alerts.length ? partOf(alerts[index], `/alerts/${index}`, group) : notice),
    defaults: { service: name, severity: 'high' },
    ...(truncatedAlerts === 0 && { all_sent: notice }),
  };
}

/** The positions of Tocsin's fields in an alert. */
const POINTERS = {
  dedup_key: '/fingerprint',
  status: '/status',
  occurred_at: '/startsAt',
  tenant_id: '/labels/tenant_id',
  service: '/labels/service',
  severity: '/labels/severity',
  name: '/labels/alertname',
  title: '/annotations/summary',
  message: '/annotations/description',
  metadata: '/annotations',
};
const MAX_LABELS = 32;
/** The longest text of the group that each of its alerts keeps, in characters. */
const MAX_OF_GROUP = 1_000;

function partOf(alert: unknown, at: string, group: JsonObject): MessagePart {
  if (alert instanceof NotDecoded)
    return {
      body: {},
      at,
      pointers: {},
      refusal: { pointer: '', detail: `It holds more than a message may (${alert.bytes} bytes).` },
      raw: null,
    };
  if (!isObject(alert))
    return { body: {}, at, pointers: {}, refusal: { pointer: '', detail: 'An alert must be an object.' }, raw: alert };
  const { fingerprint, startsAt, endsAt } = alert;
  const labels = isObject(alert.labels) ? alert.labels : {};
  const annotations = isObject(alert.annotations) ? alert.annotations : {};
  const status = statusOf(alert.status) ?? 'firing';
  const [fitting, others] = fittingLabels(labels);
  const body = present({
    tenant_id: labels.tenant_id,
    service: asService(labels.service) ?? asService(labels.job),
    severity: severityOf(labels.severity),
    dedup_key: fingerprint,
    // without a key there is no alert whose present state it could describe
    snapshot: isText(fingerprint) ? true : undefined,
    status,
    occurred_at: status === 'resolved' && isText(endsAt) ? endsAt : startsAt,
    name: cut(labels.alertname, 100),
    title: cut(annotations.summary, 300),
    message: cut(annotations.description ?? annotations.message, 8_000),
    labels: fitting,
    actions: [
      ...actionTo('Runbook', annotations.runbook_url),
      ...actionTo('Dashboard', alert.dashboardURL),
      ...actionTo('Panel', alert.panelURL),
      ...actionTo('Source', alert.generatorURL),
      ...actionTo('Silence', alert.silenceURL),
    ],
    metadata: present({
      annotations,
      ...(others && { labels: others }),
      ...group,
      values: alert.values,
      value: alert.valueString,
      image_url: alert.imageURL,
    }),
  });
  return {
    body,
    at,
    pointers: POINTERS,
    severity_none: isText(labels.severity) && labels.severity.trim().toLowerCase() === 'none',
  };
}

/**
 * With `max_alerts` the sender leaves alerts out, including firing ones, and says only how many. That becomes an alert
 * of its own, one for each group, since otherwise no user would see that something is missing. It resolves when none is
 * left out.
 */
function leftOut(
  count: number,
  { receiver, groupKey, groupLabels, externalURL }: JsonObject,
  group: JsonObject,
): MessagePart {
  const labels = isObject(groupLabels) ? groupLabels : {};
  const of = isText(labels.alertname) ? ` (${labels.alertname})` : '';
  const body = present({
    tenant_id: labels.tenant_id,
    service: asService(labels.service) ?? asService(labels.job),
    severity: severityOf(labels.severity),
    dedup_key: `left-out/${hash('sha256', JSON.stringify([receiver, groupKey]), 'base64url').slice(0, 22)}`,
    snapshot: true,
    status: count > 0 ? 'firing' : 'resolved',
    ...(count > 0 && {
      name: 'alerts_left_out',
      title: cut(`${count} more ${count === 1 ? 'alert was' : 'alerts were'} not sent${of}`, 300),
      message: 'The sender leaves alerts out of its webhook (max_alerts). They may be firing, and are not seen here.',
      labels: fittingLabels(labels)[0],
      actions: actionTo('Source', externalURL),
      metadata: present({ ...group, truncated_alerts: count }),
    }),
  });
  return { body, at: '/truncatedAlerts', pointers: {} };
}

/** As many labels as a message may have. The others are kept in its metadata. */
function fittingLabels(labels: JsonObject): [fitting: JsonObject, others?: JsonObject] {
  const given = Object.entries(labels);
  const fits = ([name, value]: [string, unknown], index: number) =>
    index < MAX_LABELS && name.length <= 100 && JSON.stringify(value).length <= 502;
  const others = given.filter((label, index) => !fits(label, index));
  return [Object.fromEntries(given.filter(fits)), ...(others.length > 0 ? [Object.fromEntries(others)] : [])] as [
    JsonObject,
    JsonObject?,
  ];
}
