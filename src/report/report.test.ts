import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { markup } from './markup.js';
import { reportPage, table } from './page.js';
import { linePlot, mostDots, type PlotRow, rowPlot, ticks } from './plots.js';

const hostile = `"><script>alert('x')</script>`;
const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;';
const nothing = { mean: null, low: null, high: null };

test('templates escape what is put into them, but not what came from a template', () => {
  assert.equal(
    markup`<p title="${'"&'}">${[markup`<b>${'<'}</b>`, 3, null, undefined, false && 'x', 0]}</p>`.text,
    '<p title="&quot;&amp;"><b>&lt;</b>30</p>',
  );
});

test('no part of the kit lets a text become markup', () => {
  const row: PlotRow = {
    name: hostile,
    shown: hostile,
    dots: [{ title: hostile, value: 1 }],
    interval: { mean: 1, low: 0, high: 2 },
  };
  const axis = { range: [0, 1], marks: [{ at: 0, text: hostile }] } as const;
  const page = reportPage({
    title: hostile,
    lead: hostile,
    sections: [
      {
        id: hostile,
        title: hostile,
        content: [
          hostile,
          table(hostile, [[hostile], [hostile, hostile]], [1]),
          rowPlot({ title: hostile, rows: [row] }),
          linePlot({ title: hostile, x: axis, y: axis, lines: [{ colour: hostile, points: [[0, 0]] }] }),
        ],
      },
    ],
    footer: hostile,
  });
  assert.ok(!page.includes('<script'));
  assert.equal(page.split(escaped).length - 1, 24);
});

test('the security policy of a page allows its style sheet and nothing else', () => {
  const page = reportPage({ title: 't', lead: '', sections: [], footer: '' });
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page.replaceAll('&#39;', "'")) ?? [];
  const [, style] = /<style>([^]*?)<\/style>/.exec(page) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  assert.equal(
    policy,
    `default-src 'none'; img-src data:; media-src data:; style-src 'sha256-${hash}'; ` +
      `base-uri 'none'; form-action 'none'`,
  );
  assert.doesNotMatch(style, /@import|url\(/);
});

test('a table has a caption, a head, and rows that are headed by their first cell', () => {
  assert.equal(
    table('c', [
      ['h', 'i'],
      ['x<y', 2],
    ])
      .text.replaceAll('\n', '')
      .replace(/^<div[^>]*>|<\/div>$/g, ''),
    '<table><caption>c</caption><thead><tr><th scope="col">h</th><th scope="col">i</th></tr></thead>' +
      '<tbody><tr><th scope="row">x&lt;y</th><td>2</td></tr></tbody></table>',
  );
  assert.match(
    table(
      'c',
      [
        ['h', 'i'],
        ['x', 'y'],
      ],
      [1],
    ).text,
    /<th scope="col" class="text">i<.*<td class="text">y</s,
  );
});

test('ticks are round numbers within the interval', () => {
  assert.deepEqual(ticks(0.03, 0.97), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(ticks(-3.1, 0.2), [-3, -2, -1, 0]);
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(1, 5), [1, 2, 3, 4, 5]);
  for (const [low, high] of [
    [5.1, 5.9],
    [0.0001, 0.0007],
    [12, 1300],
  ]) {
    const found = ticks(low, high);
    assert.ok(found.length >= 2 && found.length <= 6, found.join());
    assert.ok(found.every((tick) => tick >= low && tick <= high));
  }
});

test('a plot of many values stays small, one without values says so', () => {
  const dots = Array.from({ length: 13100 }, (_, i) => ({ title: `c${i}`, value: Math.sin(i) }));
  const { text } = rowPlot({ title: 'x', rows: [{ name: 'ours', shown: '0', dots, interval: nothing }] });
  assert.equal([...text.matchAll(/class="dot"/g)].length, mostDots);
  assert.match(rowPlot({ title: 'x', rows: [{ name: 'a', shown: '', interval: nothing }] }).text, /No values/);
});

test('what stands in a row lies where the axis says, and does not leave it', () => {
  const row: PlotRow = {
    name: 'a',
    shown: '50',
    dots: [{ title: 'a dot', value: 100 }],
    box: [25, 75],
    bar: 50,
    interval: { mean: 50, low: -20, high: 120 },
  };
  const { text } = rowPlot({ title: 'x', rows: [row], range: [0, 100], line: 50 });
  // 360 wide, 14 on either side: 3.32 for each of the hundred.
  assert.match(text, /class="dot" cx="346" /);
  assert.match(text, /class="box" x="97" width="166" /);
  assert.match(text, /class="box" x="14" width="166" /);
  assert.match(text, /class="interval" x1="14" x2="346" /);
  assert.match(text, /class="mean" cx="180" /);
  assert.match(text, /class="compared" x1="180" x2="180" /);
  assert.match(text, /^<svg [^>]*role="img" aria-label="x: a 50"/);
});

test('a line is broken where there is no value', () => {
  const axis = { range: [0, 1], marks: [] } as const;
  const points = [[0, 0], [1, 1], null, [0.5, 0.5]] as const;
  const { text } = linePlot({ title: 'x', x: axis, y: axis, lines: [{ colour: 's0', points }] });
  assert.match(text, / d="M44 166L708 8M376 87"/);
});
