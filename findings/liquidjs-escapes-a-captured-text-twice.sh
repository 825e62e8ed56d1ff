#!/usr/bin/env bash
# liquidjs 10.30.1 with `outputEscape: 'escape'`, which mail and page templates turn on so that no text becomes HTML,
# escapes what stands in a `capture` block twice: once where it is written into the block, and again where the block is
# written. A value that `assign` holds is escaped once. So a template that only gives a part of itself a name sends
# "Tom &amp; Jerry" to its reader, and a link in the part becomes text. Jinja's `set` block and Django's blocks, which
# escape by themselves too, mark what they hold as safe. `raw` behind the captured name is the way out.
#
# Output seen (liquidjs 10.30.1, Node 20.20.2):
#   assign:      Tom &amp; Jerry
#   capture:     Tom &amp;amp; Jerry
#   its markup:  &lt;b&gt;Tom &amp;amp; Jerry&lt;/b&gt;
#   capture raw: <b>Tom &amp; Jerry</b>
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund liquidjs@10.30.1 >/dev/null 2>&1 ||
  { echo 'cannot be tried here: liquidjs 10.30.1 is not to be had'; exit 2; }
cat > render.cjs <<'JS'
const { Liquid } = require('liquidjs');
const liquid = new Liquid({ outputEscape: 'escape' });
const render = (template) => liquid.parseAndRenderSync(template, { title: 'Tom & Jerry' });
const seen = [
  ['assign:     ', render('{% assign part = title %}{{ part }}'), 'Tom &amp; Jerry'],
  ['capture:    ', render('{% capture part %}{{ title }}{% endcapture %}{{ part }}'), 'Tom &amp;amp; Jerry'],
  [
    'its markup: ',
    render('{% capture part %}<b>{{ title }}</b>{% endcapture %}{{ part }}'),
    '&lt;b&gt;Tom &amp;amp; Jerry&lt;/b&gt;',
  ],
  [
    'capture raw:',
    render('{% capture part %}<b>{{ title }}</b>{% endcapture %}{{ part | raw }}'),
    '<b>Tom &amp; Jerry</b>',
  ],
];
for (const [name, text] of seen) console.log(name, text);
process.exit(seen.every(([, text, expected]) => text === expected) ? 0 : 1);
JS
node render.cjs
