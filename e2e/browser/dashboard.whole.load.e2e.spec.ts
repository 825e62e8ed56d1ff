import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';

const ROWS = 10_000;
/** The alerts come from so many services in turn, which are the groups of the grouped list. */
const SERVICES = 50;
const PER_SECOND = 200;
const SECONDS = 60;
const FRAME_MS = 50;
/**
 * The largest share of late frames, on an idle machine. The page is built for none. A browser that renders on the CPU
 * and shares two cores with the whole system is sometimes late through no fault of the page.
 */
const LATE_FRAMES = 0.002;

interface Measured {
  frames: number;
  p50: number;
  p99: number;
  worst: number;
  over: number;
}

/** Starts to measure how long each frame takes; `measured()` in the page stops it and returns the figures. */
const MEASURE = `(() => {
  const took = []; let last = performance.now(); let on = true;
  const frame = (now) => { took.push(now - last); last = now; if (on) requestAnimationFrame(frame); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
  window.measured = () => {
    on = false; took.sort((a, b) => a - b);
    const at = (share) => Math.round(took[Math.floor(took.length * share)] ?? 0);
    return { frames: took.length, p50: at(0.5), p99: at(0.99), worst: Math.round(took.at(-1) ?? 0), over: took.filter((ms) => ms > ${FRAME_MS}).length };
  };
})()`;
/** The time budgets of the page with 10,000 alerts, from the request for its address. */
const PAINTED_MS = 1_000;
const USABLE_MS = 1_500;
const ARRIVALS = 20;
const ARRIVAL_PAINTED_MS = 50;

/**
 * Measures when the first row is there and, for each alert whose title begins with `Timed`, the time from its bytes to
 * a painted frame with its row. It observes only the browser and uses nothing of the page's own code.
 */
const WATCH = `(() => {
  const { read } = ReadableStreamDefaultReader.prototype;
  const came = new Map();
  window.took = []; window.firstRowAt = null;
  ReadableStreamDefaultReader.prototype.read = async function () {
    const result = await read.call(this);
    for (const [title] of result.value instanceof Uint8Array ? new TextDecoder().decode(result.value).matchAll(/Timed \\d+/g) : []) if (!came.has(title)) came.set(title, performance.now());
    return result;
  };
  const looked = () => {
    const rows = [...document.querySelectorAll('[data-alert]')];
    if (rows.length > 0) window.firstRowAt ??= performance.now();
    for (const [title, at] of came) {
      if (!rows.some((row) => row.textContent.includes(title))) continue;
      came.delete(title);
      // a message that is posted in a frame's callback arrives after that frame is painted
      requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => window.took.push(performance.now() - at); port2.postMessage(0); });
    }
  };
  new MutationObserver(looked).observe(document, { childList: true, subtree: true, characterData: true });
})()`;
const SCROLLER = `document.querySelector('[role=grid]').parentElement`;

jest.setTimeout(240_000);

describeWith('chromium', 'the page under load', () => {
  let browser: Browser;
  let stack: Stack;
  let page: Page;
  let published = 0;
  beforeAll(async () => {
    const opening = openBrowser();
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    browser = await opening;
    for (let at = 0; at < ROWS; at += 500)
      await Promise.all(Array.from({ length: 500 }, (_, n) => publish(`row-${at + n}`)));
    await stack.stored(ROWS, 90_000);
    page = await signedIn();
  }, 200_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  /** Opens the page in its own profile, so that nothing is cached. */
  const signedIn = async (query = '') => {
    const visit = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
    await visit.addInitScript(WATCH);
    await visit.goto(`${stack.gateway.url}/${query}#token=${tokenFor('ana', { scope: 'alerts:read alerts:write' })}`);
    await visit.locator('[data-state-name=live]').waitFor();
    await visit.locator('[data-alert], [data-group]').first().waitFor();
    return visit;
  };
  const publish = (id: string, severity = 'low') =>
    stack.amqp.publish(`alert.${severity}.service-${(published += 1) % SERVICES}`, {
      tenant_id: 'bakery',
      id,
      title: `Alert ${id}`,
      message: 'Something is not as it should be, and a person should look.',
    });
  /** Publishes PER_SECOND alerts a second for SECONDS; one of twenty is high. */
  const flood = async (name: string) => {
    const startedAt = performance.now();
    for (let sent = 0; sent < PER_SECOND * SECONDS; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, n) => publish(`${name}-${sent + n}`, n === 0 ? 'high' : 'low')));
      await sleep(Math.max(0, startedAt + ((sent + 20) / PER_SECOND) * 1_000 - performance.now()));
    }
  };
  const measured = async (what: string, of = page): Promise<Measured> => {
    const figures = await of.evaluate<Measured>('measured()');
    process.stdout.write(
      `      ${what}: ${figures.frames} frames, p50 ${figures.p50} ms, p99 ${figures.p99} ms, worst ${figures.worst} ms, ${figures.over} over ${FRAME_MS} ms\n`,
    );
    return figures;
  };
  const isSmooth = ({ frames, over }: Measured) => expect(over / frames).toBeLessThanOrEqual(LATE_FRAMES);

  it(`is painted within ${PAINTED_MS} ms, usable within ${USABLE_MS} ms, and paints a new alert within ${ARRIVAL_PAINTED_MS} ms`, async () => {
    // the best of three visits, because the budget is for the page and not for other work on the machine
    let [painted, usable] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let visits = 0; visits < 3; visits += 1) {
      const visit = await signedIn();
      const times = await visit.evaluate<[number, number]>(
        `[performance.getEntriesByName('first-contentful-paint')[0].startTime, window.firstRowAt]`,
      );
      [painted, usable] = [Math.min(painted, times[0]), Math.min(usable, times[1])];
      await visit.close();
    }
    for (let n = 0; n < ARRIVALS; n += 1) {
      await publish(`Timed ${n}`);
      await eventually(async () => expect(await page.evaluate('window.took.length')).toBe(n + 1), 5_000);
    }
    const took = (await page.evaluate<number[]>('window.took')).sort((a, b) => a - b);
    process.stdout.write(
      `      painted after ${Math.round(painted)} ms, first row after ${Math.round(usable)} ms; an arrival: median ${Math.round(took[ARRIVALS / 2]!)} ms, worst ${Math.round(took.at(-1)!)} ms\n`,
    );
    expect(painted).toBeLessThan(PAINTED_MS);
    expect(usable).toBeLessThan(USABLE_MS);
    expect(took[ARRIVALS / 2]).toBeLessThan(ARRIVAL_PAINTED_MS);
  });

  it(`scrolls through ${ROWS} alerts`, async () => {
    await eventually(async () => {
      const count = await page.evaluate<string>(
        `(${SCROLLER}.scrollTop = 1e9, document.querySelector('[role=grid]').getAttribute('aria-rowcount'))`,
      );
      expect(count).toBe(String(ROWS + ARRIVALS));
    }, 90_000);
    expect(await page.locator('[data-alert]').count()).toBeLessThan(60);
    await page.evaluate(`${SCROLLER}.scrollTop = 0`);
    await page.evaluate(MEASURE);
    await page.evaluate(
      `new Promise((done) => { const scroller = ${SCROLLER}; const until = performance.now() + 3000; const step = () => { scroller.scrollTop += 400; performance.now() < until ? requestAnimationFrame(step) : done(); }; step(); })`,
    );
    isSmooth(await measured('scrolling'));
  });

  it(`takes ${PER_SECOND} alerts a second for ${SECONDS} s, with ${ROWS} in the list`, async () => {
    await page.evaluate(`${SCROLLER}.scrollTop = 0`);
    await page.evaluate(MEASURE);
    await flood('live');
    await page
      .getByRole('row')
      .filter({ hasText: `live-${PER_SECOND * SECONDS - 1}` })
      .waitFor({ timeout: 5_000 });
    isSmooth(await measured(`${PER_SECOND}/s for ${SECONDS} s`));
    const shown = Number(await page.evaluate(`document.querySelector('[role=grid]').getAttribute('aria-rowcount')`));
    expect(shown).toBe(ROWS + ARRIVALS + PER_SECOND * SECONDS);
  });

  it(`takes as many with the list in ${SERVICES} groups, one of them open`, async () => {
    await page.close();
    const grouped = await signedIn('?group=service');
    const open = grouped.locator('[data-group=service-7]');
    await open.getByRole('button', { expanded: false }).click();
    await grouped.locator('[data-alert]').first().waitFor();
    await grouped.evaluate(MEASURE);
    await flood('grouped');
    isSmooth(await measured(`in ${SERVICES} groups, ${PER_SECOND}/s for ${SECONDS} s`, grouped));
    const [{ count }] = (await stack.sql(
      `select count(*)::text as count from tocsin.alert where service = 'service-7' and status = 'firing'`,
    )) as [{ count: string }];
    await eventually(async () => expect(await open.textContent()).toContain(count), 10_000);
  });
});
