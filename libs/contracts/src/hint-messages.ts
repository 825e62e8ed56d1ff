import type { KeyObject } from 'node:crypto';
import type { Hint } from './event';
import { encodeHint, encodeSignedHints, topicOf } from './hint-codec';
import type { TenantId } from './tenant';

/** The limits of one technology, in bytes. */
export interface HintLimits {
  /** The largest message, its signature included. */
  message: number;
  /**
   * How much data the hints of one tenant in one batch carry at most. With more they go without their data: a gateway
   * that reads the event log costs less than a bus that copies the data to each gateway.
   */
  batch: number;
}

/** Hints of one tenant, as a bus sends them. */
export interface HintMessage {
  tenant_id: TenantId;
  topic: string;
  hints: number;
  bytes: Buffer;
}

/** The length of a signature and its line end is 44; the rest is room for a longer one. */
const SIGNATURE_BYTES = 64;

/**
 * The hints of each tenant in as few messages as hold them, in their order: a message costs a command, a signature and
 * a delivery to each gateway, however many hints it holds. Without a key the hints go without their data, because a
 * gateway does not trust them and reads the event log.
 */
export function hintMessages(
  hints: readonly (Hint & { tenant_id: TenantId })[],
  prefix: string,
  key: KeyObject | undefined,
  limits: HintLimits,
): HintMessage[] {
  const byTenant = new Map<TenantId, Hint[]>();
  for (const hint of hints) {
    const others = byTenant.get(hint.tenant_id);
    if (others) others.push(hint);
    else byTenant.set(hint.tenant_id, [hint]);
  }
  return [...byTenant].flatMap(([tenant_id, ofTenant]) => {
    const topic = topicOf(tenant_id, prefix);
    const encoded = key ? encodeWithinLimits(ofTenant, limits) : ofTenant.map(encodeBare);
    return groupsOf(encoded, limits).map((group) => ({
      tenant_id,
      topic,
      hints: group.length,
      bytes: encodeSignedHints(topic, group, key),
    }));
  });
}

const encodeBare = (hint: Hint): Buffer => encodeHint({ ...hint, data: null });

/** The hints of one tenant, without the data that is beyond the limits. */
function encodeWithinLimits(hints: readonly Hint[], { message, batch }: HintLimits): Buffer[] {
  let size = 0;
  const encoded = hints.map((hint) => {
    const whole = encodeHint(hint);
    const bytes = whole.length > message - SIGNATURE_BYTES ? encodeBare(hint) : whole;
    size += bytes.length;
    return bytes;
  });
  return size > batch ? hints.map(encodeBare) : encoded;
}

/** Groups of encoded hints that share a message. */
function groupsOf(encoded: readonly Buffer[], { message }: HintLimits): Buffer[][] {
  const groups: Buffer[][] = [];
  let size = 0;
  for (const bytes of encoded) {
    const last = groups.at(-1);
    if (last && size + 1 + bytes.length <= message - SIGNATURE_BYTES) {
      last.push(bytes);
      size += 1 + bytes.length;
    } else {
      groups.push([bytes]);
      size = bytes.length;
    }
  }
  return groups;
}
