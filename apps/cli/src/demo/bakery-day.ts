import type { AlertAction, AlertType, MessageStatus, Severity } from '@tocsin/contracts/wire';
import type { Dice } from './dice';

/** One alert of a story. */
export interface Beat {
  severity: Severity;
  title: string;
  message?: string;
  status?: MessageStatus;
  /** A name that differs from the story's. */
  name?: string;
  metadata?: Record<string, unknown>;
  /** The beat is an alert of its own, although the story has a key. */
  alone?: true;
  /** There is no pause before this beat and none after it. */
  burst?: true;
}

/** Something that happens at one place, told beat by beat. */
export interface Story {
  site: 'bakery' | 'cafe';
  service: string;
  name: string;
  type?: AlertType;
  /**
   * Identifies the alert that all beats belong to. Without it each beat is an alert of its own. Keys are unique within
   * a day.
   */
  key?: string;
  labels?: Record<string, string>;
  actions?: AlertAction[];
  beats: Beat[];
}

type Telling = Omit<Story, 'site' | 'service' | 'name' | 'beats'>;
type Writer = (dice: Dice) => Story;

const at =
  (site: Story['site']) =>
  (service: string, name: string, tell: (dice: Dice) => Telling & { beats: Beat[] }): Writer =>
  (dice) => ({ site, service, name, ...tell(dice) });
const bakery = at('bakery');
const cafe = at('cafe');

const link = (label: string, path: string): AlertAction[] => [{ label, url: `https://example.com/${path}` }];
const once = (severity: Severity, title: string, message?: string): Beat[] => [
  { severity, title, ...(message ? { message } : {}) },
];
const over = (title: string): Beat => ({ severity: 'low', status: 'resolved', title });
const euros = (cents: number): string => `€ ${(cents / 100).toFixed(2)}`;

/** A failing payment provider causes a burst of this many declined cards. */
const DECLINED_CARDS = 18;

/** What can happen in a day. Every story is told once a day, with other numbers each time. */
export const BAKERY_DAY: readonly Writer[] = [
  bakery('ovens', 'oven_too_cold', (dice) => {
    const oven = dice.between(1, 4);
    const missing = dice.between(12, 20);
    const below = (degrees: number): Pick<Beat, 'title' | 'metadata'> => ({
      title: `Oven ${oven} is ${degrees} °C below target`,
      metadata: { target_c: 230, measured_c: 230 - degrees },
    });
    return {
      key: `oven-${oven}-temperature`,
      labels: { oven: String(oven), line: oven < 3 ? 'bread' : 'pastry' },
      actions: link(`Open oven ${oven}`, `ovens/${oven}`),
      beats: [
        { severity: 'high', ...below(missing), message: 'The burner has been on for 9 minutes without effect.' },
        { severity: 'high', ...below(missing) },
        {
          severity: 'urgent',
          ...below(missing + dice.between(15, 30)),
          message: 'Burner 2 has no flame. 140 loaves are inside.',
        },
        over(`Oven ${oven} is back at 230 °C`),
      ],
    };
  }),
  bakery('ovens', 'door_open', (dice) => {
    const deck = dice.between(1, 3);
    return {
      key: `deck-${deck}-door`,
      beats: [
        { severity: 'medium', title: `The door of deck oven ${deck} has been open for ${dice.between(4, 7)} min` },
        over(`The door of deck oven ${deck} is closed`),
      ],
    };
  }),
  bakery('inventory', 'low_stock', (dice) => {
    const left = dice.between(36, 48);
    return {
      key: 'flour-550',
      labels: { item: 'flour-550', store: 'silo-2' },
      actions: link('Order flour', 'orders/new?item=flour-550'),
      beats: [
        {
          severity: 'medium',
          title: `Flour type 550 is down to ${left} kg`,
          message: `At today's pace it lasts until ${dice.between(10, 12)}:30.`,
          metadata: { left_kg: left },
        },
        {
          severity: 'urgent',
          title: `Flour type 550 lasts one more hour: ${left - 30} kg left`,
          metadata: { left_kg: left - 30 },
        },
        over('Flour type 550: 500 kg were delivered'),
      ],
    };
  }),
  bakery('inventory', 'stock_difference', (dice) => ({
    beats: once('low', `Yeast: the count differs from the books by ${dice.between(2, 5)} kg`),
  })),
  bakery('inventory', 'expires_soon', (dice) => ({
    type: 'recommendation',
    beats: once(
      'medium',
      `Use the ${dice.between(8, 14)} kg of butter that expire tomorrow`,
      'Croissants and shortbread take the most of it.',
    ),
  })),
  bakery('orders', 'large_order', (dice) => {
    const order = dice.between(4100, 4499);
    return {
      actions: link(`Open order ${order}`, `orders/${order}`),
      beats: once(
        'high',
        `Order ${order} wants ${dice.between(9, 16) * 10} rolls by 07:00`,
        'St. Anne’s Hospital, delivery entrance B.',
      ),
    };
  }),
  bakery('orders', 'allergen_added', (dice) => {
    const order = dice.between(4500, 4999);
    return {
      labels: { allergen: 'hazelnut' },
      actions: [...link(`Open order ${order}`, `orders/${order}`), { label: 'Stop production' }],
      beats: once(
        'urgent',
        `Wedding cake ${order}: a hazelnut allergy was added`,
        'The dough of this morning holds hazelnuts. It is to leave at 14:00.',
      ),
    };
  }),
  bakery('deliveries', 'late_delivery', (dice) => {
    const van = dice.between(1, 5);
    const stop = dice.oneOf(['Market Square', 'Hill Street', 'the station kiosk', 'Lime Tree School']);
    const late = dice.between(12, 18);
    return {
      key: `van-${van}`,
      labels: { van: String(van) },
      beats: [
        { severity: 'medium', title: `Van ${van} is ${late} min late for ${stop}` },
        {
          severity: 'high',
          title: `Van ${van} is ${late + 17} min late for ${stop}`,
          message: 'The tailback on the ring road is 4 km long.',
        },
        over(`Van ${van} has arrived at ${stop}`),
      ],
    };
  }),
  bakery('deliveries', 'delivered', (dice) => ({
    type: 'notification',
    beats: once('low', `Lime Tree School has signed for ${dice.between(6, 9) * 10} sandwiches`),
  })),
  bakery('staffing', 'shift_short', (dice) => ({
    key: 'early-shift',
    beats: [
      {
        severity: 'high',
        title: 'The early shift is one baker short',
        message: 'Jonas has called in sick. Three people are on call.',
      },
      over(`${dice.oneOf(['Mira', 'Tomasz', 'Leyla'])} takes the early shift`),
    ],
  })),
  bakery('staffing', 'break_due', (dice) => ({
    beats: once('medium', `${dice.oneOf(['Anton', 'Grace', 'Yusuf'])} has worked for 6 h: a break is due`),
  })),
  bakery('proofing', 'humidity', (dice) => {
    const humidity = dice.between(58, 66);
    return {
      key: 'proofer-humidity',
      beats: [
        { severity: 'medium', title: `The proofer is at ${humidity} % humidity, 78 % is wanted` },
        { severity: 'medium', title: `The proofer is at ${humidity - 3} % humidity, 78 % is wanted` },
        over('The proofer is back at 78 % humidity'),
      ],
    };
  }),
  bakery('cold-chain', 'too_warm', (dice) => {
    const degrees = dice.between(8, 9);
    return {
      key: 'walk-in-cooler',
      labels: { room: 'walk-in-cooler' },
      actions: link('Show the last 24 h', 'rooms/walk-in-cooler'),
      beats: [
        {
          severity: 'high',
          title: `The walk-in cooler is at ${degrees} °C`,
          metadata: { limit_c: 7, measured_c: degrees },
        },
        {
          severity: 'urgent',
          title: `The walk-in cooler has been above 7 °C for 20 min: ${degrees + 2} °C`,
          message: 'Cream and custard inside must be thrown away after 30 min.',
        },
        over('The walk-in cooler is back at 5 °C'),
      ],
    };
  }),
  bakery('machines', 'guard_open', (dice) => ({
    actions: [{ label: 'Lock the slicer' }],
    beats: once(
      'urgent',
      `Slicer ${dice.between(1, 2)} ran with its blade guard open`,
      'For 6 seconds, at 05:41. Nobody has reported an injury.',
    ),
  })),
  bakery('forecast', 'bake_more', (dice) => ({
    type: 'recommendation',
    beats: once('low', `Bake ${dice.between(3, 6) * 10} more croissants: the rain stops at 10:00`),
  })),
  bakery('forecast', 'price_rises', (dice) => ({
    type: 'recommendation',
    beats: once('medium', `Order rye flour today: its price rises by ${dice.between(4, 8)} % on Monday`),
  })),

  cafe('payments', 'payment_provider_down', (dice) => ({
    key: 'payment-provider',
    labels: { provider: 'cardly' },
    beats: [
      {
        severity: 'urgent',
        burst: true,
        title: 'Card payments fail: the provider does not answer',
        message: 'Cash and vouchers work.',
      },
      ...Array.from({ length: DECLINED_CARDS }, (): Beat => {
        const terminal = dice.between(1, 3);
        return {
          severity: 'medium',
          burst: true,
          alone: true,
          name: 'card_declined',
          title: `Terminal ${terminal} could not charge ${euros(dice.between(280, 2_900))}`,
          metadata: { terminal },
        };
      }),
      ...Array.from({ length: 4 }, (): Beat => ({
        severity: 'urgent',
        burst: true,
        title: 'Card payments fail: the provider does not answer',
      })),
      over('Card payments work again'),
    ],
  })),
  cafe('payments', 'terminal_offline', (dice) => {
    const terminal = dice.between(1, 3);
    const beat: Beat = { severity: 'high', title: `Card terminal ${terminal} is offline` };
    return {
      key: `terminal-${terminal}`,
      labels: { terminal: String(terminal) },
      beats: [beat, beat, over(`Card terminal ${terminal} is back`)],
    };
  }),
  cafe('payments', 'day_closed', (dice) => ({
    type: 'notification',
    beats: once('low', `Yesterday's till is closed: ${euros(dice.between(160_000, 260_000))}, no difference`),
  })),
  cafe('coffee', 'pressure', (dice) => {
    const machine = dice.between(1, 2);
    const bar = (dice.between(66, 76) / 10).toFixed(1);
    return {
      key: `espresso-${machine}`,
      beats: [
        { severity: 'high', title: `Espresso machine ${machine} is at ${bar} bar, 9 are wanted` },
        over(`Espresso machine ${machine} is back at 9 bar`),
      ],
    };
  }),
  cafe('coffee', 'maintenance_due', (dice) => ({
    beats: once('low', `The grinder has run ${dice.between(30, 38)} h since it was cleaned`),
  })),
  cafe('inventory', 'low_stock', (dice) => {
    const left = dice.between(5, 7);
    return {
      key: 'oat-milk',
      labels: { item: 'oat-milk' },
      actions: link('Order oat milk', 'orders/new?item=oat-milk'),
      beats: [
        { severity: 'medium', title: `Oat milk: ${left} cartons are left`, metadata: { left } },
        { severity: 'high', title: `Oat milk: ${left - 4} cartons are left`, metadata: { left: left - 4 } },
        over('Oat milk: 24 cartons have arrived'),
      ],
    };
  }),
  cafe('orders', 'slow_table', (dice) => {
    const table = dice.between(3, 18);
    return {
      key: `table-${table}`,
      beats: [
        { severity: 'medium', title: `Table ${table} has waited ${dice.between(18, 26)} min for its order` },
        over(`Table ${table} has been served`),
      ],
    };
  }),
  cafe('orders', 'queue_full', (dice) => ({
    key: 'online-orders',
    beats: [
      { severity: 'high', title: `Online orders are paused: ${dice.between(26, 40)} are in the queue` },
      over('Online orders are open again'),
    ],
  })),
  cafe('staffing', 'counter_empty', () => ({
    key: 'counter',
    beats: [
      { severity: 'urgent', title: 'Nobody is signed in at the counter, and it is open' },
      over('Nora has signed in at the counter'),
    ],
  })),
  cafe('facility', 'freezer_open', (dice) => {
    const minutes = dice.between(5, 7);
    const open = (more: number): Beat => ({
      severity: 'high',
      title: `The freezer door has been open for ${minutes + more} min`,
    });
    return { key: 'freezer-door', beats: [open(0), open(5), open(10), over('The freezer door is closed')] };
  }),
  cafe('forecast', 'sell_first', (dice) => ({
    type: 'recommendation',
    beats: once('low', `Move the ${dice.between(8, 14)} cinnamon rolls to the front: 3 h are left to sell them`),
  })),
  cafe('deliveries', 'pastries_late', (dice) => ({
    beats: once('medium', `The pastries from North Bakery are ${dice.between(15, 30)} min late`),
  })),
];
