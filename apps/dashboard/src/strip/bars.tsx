import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import { SEVERITIES, type AlertStats } from '@tocsin/contracts/wire';
import { serverNow } from '../words/clock';
import { whenWords } from '../words/time-words';
import { useWords } from '../words/words';
import { stacked } from './stacked';
import styles from './severity-strip.module.css';

/** A shorter drag counts as a click. */
const LEAST_DRAG_PX = 6;
const HEIGHT = 76;
/** The distance between two lines of the hatching. */
const HATCH_PX = 6;

interface Props {
  stats: AlertStats;
  /**
   * The period without data, in milliseconds. It is hatched, because missing bars there do not mean that there were no
   * alerts.
   */
  deaf: [from: number, to: number] | null;
  onRange(from: Date, to: Date): void;
}

/**
 * Alerts over time as stacked bars. The most severe alerts are at the base line, where bars are easy to compare. A drag
 * selects a period.
 */
export default function Bars({ stats, deaf, onRange }: Props) {
  const { t, intl } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ stats, deaf, onRange });
  useEffect(() => {
    latest.current = { stats, deaf, onRange };
    // the chart is made once and then gets new data: making it again for each count would cost a frame
    plot.current?.setData(stacked(stats));
  }, [stats, deaf, onRange]);

  useEffect(() => {
    const node = frame.current!;
    const made = new uPlot(
      optionsFor(node, (at) => whenWords(intl, at, serverNow()), latest),
      stacked(latest.current.stats),
      node,
    );
    plot.current = made;
    const resizing = new ResizeObserver(([entry]) =>
      made.setSize({ width: Math.max(40, Math.floor(entry!.contentRect.width)), height: HEIGHT }),
    );
    resizing.observe(node);
    // a canvas keeps its old colours when the theme changes, until it is drawn again
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    theme.addEventListener('change', redraw);
    const themed = new MutationObserver(redraw);
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      theme.removeEventListener('change', redraw);
      themed.disconnect();
      resizing.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [intl]);
  return <div ref={frame} className={styles.bars} aria-hidden title={t('strip.drag')} />;
}

function optionsFor(node: HTMLElement, timeOf: (at: number) => string, latest: React.RefObject<Props>): uPlot.Options {
  const colour = (name: string) => () => resolved(node, `var(--${name})`);
  const bars = uPlot.paths.bars!({ size: [1, 14], gap: 1, align: 1 });
  const range = (): [number, number] => {
    const {
      stats: { timeline, bucket_seconds },
      deaf,
    } = latest.current;
    const first = Date.parse(timeline[0]?.at ?? new Date().toISOString()) / 1_000;
    const span = timeline.length * bucket_seconds;
    // without new data the bars keep their time, and the axis moves on
    const last = Math.max(first + span, (deaf?.[1] ?? 0) / 1_000);
    return [last - span, last];
  };
  return {
    width: Math.max(40, node.clientWidth),
    height: HEIGHT,
    padding: [6, 16, 0, 16],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range },
      // at least 4, so that a single alert does not fill the whole height
      y: { range: (_plot, _least, most) => [0, Math.max(4, most)] },
    },
    axes: [
      {
        stroke: colour('muted'),
        grid: { show: false },
        ticks: { show: false },
        size: 18,
        gap: 2,
        font: "11px 'Inter Variable', system-ui",
        space: 90,
        values: (_plot, splits) => splits.map((at) => timeOf(at * 1_000)),
      },
      { show: false },
    ],
    // the largest sum is drawn first, and each smaller one over it
    series: [
      {},
      ...[...SEVERITIES].reverse().map((severity) => ({
        fill: colour(severity),
        stroke: 'transparent',
        width: 0,
        paths: bars,
        points: { show: false },
      })),
    ],
    hooks: {
      drawClear: [(plot) => latest.current.deaf && hatch(plot, latest.current.deaf, colour('edge')())],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < LEAST_DRAG_PX) return;
          latest.current.onRange(
            new Date(plot.posToVal(left, 'x') * 1_000),
            new Date(plot.posToVal(left + width, 'x') * 1_000),
          );
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Draws slanted lines over a period. */
function hatch({ ctx, bbox, valToPos }: uPlot, [from, to]: [number, number], stroke: string): void {
  const left = Math.max(bbox.left, valToPos(from / 1_000, 'x', true));
  const width = Math.min(bbox.left + bbox.width, valToPos(to / 1_000, 'x', true)) - left;
  if (width <= 0) return;
  const every = HATCH_PX * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, width, bbox.height);
  ctx.clip();
  ctx.beginPath();
  for (let x = left - bbox.height; x < left + width; x += every) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.stroke();
  ctx.restore();
}

/** The computed value of a colour: a canvas understands neither CSS variables nor light-dark(). */
function resolved(node: HTMLElement, value: string): string {
  node.style.color = value;
  const { color } = getComputedStyle(node);
  node.style.color = '';
  return color;
}
