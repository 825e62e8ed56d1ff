// Draws docs/bench-stream.svg from the last run: `npm run bench:stream:chart [-- file.json]`. Readable on light and
// dark pages.
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const source = argv[2] ?? fileURLToPath(new URL('artifacts/bench/stream.json', root));
const target = fileURLToPath(new URL('docs/bench-stream.svg', root));
const run = JSON.parse(readFileSync(source, 'utf8'));

const PANELS = [
  {
    row: 'alone',
    field: 'cpu_us_per_delivery',
    title: 'CPU a delivery, µs',
    note: '1,000 subscribers, 40 alerts/s, each written alone',
  },
  {
    row: 'tenants',
    field: 'cpu_us_per_delivery',
    title: 'CPU a delivery, µs',
    note: '1,000 tenants x 5 subscribers, 5,000 alerts/s',
  },
  {
    row: 'idle',
    field: 'rss_kb_per_connection',
    title: 'Memory an idle stream, KB',
    note: '10,000 streams; a token each for Tocsin, Mercure and Centrifugo',
  },
];

const WIDTH = 720;
const LABEL = 170;
const BAR = 18;
const STEP = 26;
const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const text = (x, y, kind, words, more = '') => `<text x="${x}" y="${y}" class="${kind}"${more}>${escape(words)}</text>`;

function panel({ row, field, title, note }, top) {
  const bars = (run.rows.find(({ name }) => name === row)?.contenders ?? []).flatMap(({ name, median }) =>
    median?.[field] > 0 ? [{ name, value: median[field] }] : [],
  );
  if (bars.length === 0) return { svg: '', height: 0 };
  const longest = Math.max(...bars.map(({ value }) => value));
  const lines = [text(0, top + 14, 'title', title), text(WIDTH, top + 14, 'note', note, ' text-anchor="end"')];
  bars.forEach(({ name, value }, i) => {
    const y = top + 28 + i * STEP;
    const width = Math.max(2, ((WIDTH - LABEL - 60) * value) / longest);
    lines.push(text(LABEL - 10, y + 13, 'name', name, ' text-anchor="end"'));
    lines.push(
      `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" class="${name === 'tocsin' ? 'own' : 'other'}"/>`,
    );
    lines.push(text((LABEL + width + 8).toFixed(1), y + 13, 'name', value.toFixed(1)));
  });
  return { svg: lines.join('\n'), height: 28 + bars.length * STEP + 22 };
}

let top = 4;
const drawn = PANELS.map((one) => {
  const { svg, height } = panel(one, top);
  top += height;
  return svg;
});
const { machine } = run;
const foot = `One interleaved run on ${run.at.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, each server on one core.`;
writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 ${WIDTH + 16} ${top + 30}" role="img" aria-label="What a delivery and a connection cost">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .note { fill: #57606a; font-size: 12px; }
  .own { fill: #d1480f; }
  .other { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9aa4af; }
    .own { fill: #f0743a; }
    .other { fill: #6e7681; }
  }
</style>
${drawn.filter(Boolean).join('\n')}
${text(0, top + 10, 'note', foot)}
</svg>
`,
);
stdout.write(`${target}\n`);
