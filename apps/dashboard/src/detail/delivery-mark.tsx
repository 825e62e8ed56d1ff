import {
  Ban,
  Check,
  CheckCheck,
  CircleQuestionMark,
  CircleSlash,
  CircleX,
  Clock,
  Eye,
  Hourglass,
  RotateCw,
  Send,
  type LucideIcon,
} from 'lucide-react';
import type { DeliveryState } from './delivery-state';

// A shape for each state: colours belong to the severities.
const SHAPES: Record<DeliveryState, LucideIcon> = {
  waiting: Clock,
  sending: Send,
  again: RotateCw,
  sent: Check,
  delivered: CheckCheck,
  read: Eye,
  refused: Ban,
  given_up: CircleX,
  undelivered: CircleX,
  expired: Hourglass,
  cancelled: CircleSlash,
  unknown: CircleQuestionMark,
  superseded: CircleSlash,
};

/** The state of a delivery as a shape. Its word stands beside it. */
export function DeliveryMark({ state }: { state: DeliveryState }) {
  const Shape = SHAPES[state];
  return <Shape size={16} aria-hidden />;
}
