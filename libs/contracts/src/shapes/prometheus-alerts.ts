import { severityOf, statusOf } from '../understood-names';
import { actionTo, asService, cut, isObject, isText, present, type JsonObject, type MessagePart, type MessageShape } from './message-part';

/**
 * The webhook of Alertmanager (version 4) and of Grafana, which added to it: a group of alerts, each an event of its own.
 *
 * `dedup_key` is the fingerprint. `id` is fingerprint, status and `startsAt`: Alertmanager repeats what is firing for as
 * long as it fires, each time in other words if the words hold a measured value, and all of these are one event.
 */
export function readPrometheusAlerts(value: unknown): MessageShape | undefined {
  if (!isObject(value) || !Array.isArray(value.alerts) || value.alerts.length === 0 || !isText(value.groupKey) || !isText(value.version)) return undefined;
  const name = 'orgId' in value ? 'grafana' : 'alertmanager';
  const group = present({ receiver: value.receiver, group_key: value.groupKey, external_url: value.externalURL });
  return { name, webhook: true, parts: value.alerts.map((alert, index) => partOf(alert, `/alerts/${index}`, group)), defaults: { service: name, severity: 'high' } };
}

/** Where our fields stand in an alert. */
const POINTERS = {
  dedup_key: '/fingerprint', status: '/status', occurred_at: '/startsAt', tenant_id: '/labels/tenant_id', service: '/labels/service',
  severity: '/labels/severity', name: '/labels/alertname', title: '/annotations/summary', message: '/annotations/description', metadata: '/annotations',
};
const MAX_LABELS = 32;

function partOf(alert: unknown, at: string, group: JsonObject): MessagePart {
  if (!isObject(alert)) return { body: {}, at, pointers: {}, refusal: { pointer: '', detail: 'An alert must be an object.' } };
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
    // without a key there is no alert whose present state it could tell
    snapshot: isText(fingerprint) ? true : undefined,
    status,
    occurred_at: status === 'resolved' && isText(endsAt) ? endsAt : startsAt,
    name: cut(labels.alertname, 100),
    title: cut(annotations.summary, 300),
    message: cut(annotations.description ?? annotations.message, 8_000),
    labels: fitting,
    actions: [
      ...actionTo('Runbook', annotations.runbook_url), ...actionTo('Dashboard', alert.dashboardURL), ...actionTo('Panel', alert.panelURL),
      ...actionTo('Source', alert.generatorURL), ...actionTo('Silence', alert.silenceURL),
    ],
    metadata: present({ annotations, ...(others && { labels: others }), ...group, values: alert.values, value: alert.valueString, image_url: alert.imageURL }),
  });
  return { body, at, pointers: POINTERS };
}

/** As many labels as a message holds; the others stay on record in its metadata. */
function fittingLabels(labels: JsonObject): [fitting: JsonObject, others?: JsonObject] {
  const given = Object.entries(labels);
  const fits = ([name, value]: [string, unknown], index: number) => index < MAX_LABELS && name.length <= 100 && JSON.stringify(value).length <= 502;
  const others = given.filter((label, index) => !fits(label, index));
  return [Object.fromEntries(given.filter(fits)), ...(others.length > 0 ? [Object.fromEntries(others)] : [])] as [JsonObject, JsonObject?];
}
