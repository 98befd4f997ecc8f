import type { Interval } from '../../base/statistics.js';
import { scale } from '../protocol.js';
import type { Choice, Comparison, Results, SignalSummary } from './analysis.js';
import { ratingsCsv } from './export.js';
import { choicePlot, escapeHtml, ratingPlot } from './plots.js';

const kindTitles = {
  mos: 'Mean opinion score, 1 to 5 (ITU-T P.800, absolute category rating)',
  cmos: 'Comparison mean opinion score, -3 to 3 (ITU-T P.800, comparison category rating)',
  ab: 'Preference between two',
  abx: 'ABX: telling two apart',
  mushra: 'MUSHRA, 0 to 100 (ITU-R BS.1534-3)',
} as const;

/** The report as one HTML file without anything from elsewhere. */
export function reportHtml(results: Results): string {
  const { test } = results;
  const sections = [
    head(results),
    results.systems.length > 0 && systemsSection(results),
    results.choices.length > 0 && choicesSection(results),
    results.comparisons.length > 0 && comparisonsSection(results),
    results.clips.length > 0 && clipsSection(results),
    listenersSection(results),
    results.outliers.length > 0 && outliersSection(results),
    rawSection(results),
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escapeHtml(test.title)}: results</title><style>${style}</style></head>
<body><main>${sections.filter(Boolean).join('\n')}</main></body>
</html>
`;
}

function head({ test, unit, listeners, scores }: Results): string {
  const out = listeners.filter(({ excluded }) => excluded.length > 0).length;
  const outIds = new Set(listeners.filter(({ excluded }) => excluded.length > 0).map(({ listener }) => listener));
  const counted = scores.filter(({ role, listener }) => role === 'test' && !outIds.has(listener)).length;
  const means =
    unit === 'listener'
      ? 'The unit of observation is the listener: each counts once, with the mean of its ratings.'
      : 'The unit of observation is the rating: the figures speak of these listeners, not of others.';
  return `<h1>${escapeHtml(test.title)}</h1>
<p class="kind">${kindTitles[test.kind]}</p>
<dl class="figures"><div><dt>listeners</dt><dd>${listeners.length}</dd></div><div><dt>finished</dt><dd>${listeners.filter(({ finished }) => finished).length}</dd></div><div><dt>excluded</dt><dd>${out}</dd></div><div><dt>ratings counted</dt><dd>${counted}</dd></div></dl>
<p>${test.kind === 'ab' || test.kind === 'abx' ? 'Each vote counts once.' : means}</p>`;
}

function systemsSection({ systems, test, scores, listeners }: Results): string {
  const out = new Set(listeners.filter(({ excluded }) => excluded.length > 0).map(({ listener }) => listener));
  const ratings = (signal: string) =>
    scores
      .filter((score) => score.role === 'test' && score.signals[0] === signal && !out.has(score.listener))
      .map(({ value }) => value);
  const [low, high] = scale[test.kind];
  const rows = systems.map((one) => [
    escapeHtml(one.signal),
    String(one.ratings),
    `<b>${number(one.mean)}</b>`,
    range(one),
    number(one.median),
    `${number(one.lowerQuartile)} to ${number(one.upperQuartile)}`,
  ]);
  return section(
    'Systems',
    `${ratingPlot(systems, ratings, low, high, 'rating')}<p class="note">Dots: single ratings. Box: ` +
      `quartiles. Diamond: mean with its 95% confidence interval (Student's ` +
      `t).</p>${table(['system', 'ratings', 'mean', '95% interval', 'median', 'quartiles'], rows)}`,
  );
}

function choicesSection({ choices, test }: Results): string {
  const abx = test.kind === 'abx';
  const title = ({ a, b }: Choice) => (abx ? `${a} / ${b}` : `${b} over ${a}`);
  const rows = choices.map((one) => [
    escapeHtml(title(one)),
    String(one.votes[1]),
    String(one.votes[0]),
    ...(abx ? [] : [String(one.undecided)]),
    `<b>${percent(one.mean)}</b>`,
    `${percent(one.low)} to ${percent(one.high)}`,
    pValue(one.p),
    pValue(one.pAdjusted),
  ]);
  const columns = abx ? ['pair', 'right', 'wrong', 'share'] : ['pair', 'for', 'against', 'no preference', 'share'];
  const note = abx
    ? 'p: one-sided binomial test, that the share of right answers is above chance.'
    : 'Share of the votes for one of the two. p: two-sided binomial test against one half.';
  return section(
    abx ? 'Can they be told apart?' : 'Preferences',
    `${choicePlot(choices, abx ? 'right answers, %' : 'share of votes, %', title)}<p class="note">${note} ` +
      'Intervals: 95%, Clopper and Pearson. Adjusted p: ' +
      `Holm.</p>${table([...columns, '95% interval', 'p', 'adjusted p'], rows)}`,
  );
}

function comparisonsSection({ comparisons, test, unit }: Results): string {
  const rows = comparisons.map((one: Comparison) => [
    `${escapeHtml(one.b)} − ${escapeHtml(one.a)}`,
    String(one.n),
    `<b>${one.mean > 0 ? '+' : ''}${number(one.mean)}</b>`,
    range(one),
    String(one.v),
    pValue(one.p),
    `${pValue(one.pAdjusted)}${one.pAdjusted < 0.05 ? ' <b title="significant at 5%">*</b>' : ''}`,
  ]);
  const what = test.kind === 'cmos' ? 'Above 0: the first-named sounds better.' : 'Difference of the ratings.';
  return section(
    'Comparisons',
    `<p class="note">${what} p: Wilcoxon's signed rank test over ` +
      `${unit === 'listener' ? 'listeners' : 'ratings'}, two-sided; V is the sum of the positive ranks. ` +
      `Adjusted p: Holm, for ${comparisons.length} comparisons; * below ` +
      `0.05.</p>${table(['difference', 'n', 'mean', '95% interval', 'V', 'p', 'adjusted p'], rows)}`,
  );
}

function clipsSection({ clips, systems }: Results): string {
  const names = [...new Set(clips.map(({ clip }) => clip as string))];
  const cell = (clip: string, signal: string) => clips.find((one) => one.clip === clip && one.signal === signal);
  const text = (one: SignalSummary | undefined) =>
    one === undefined
      ? ''
      : `${number(one.mean)}${one.low === null ? '' : ` <small>± ${number(one.mean - one.low)}</small>`}`;
  const rows = names.map((clip) => [escapeHtml(clip), ...systems.map(({ signal }) => text(cell(clip, signal)))]);
  return section(
    'Clips',
    '<p class="note">Means over the ratings, ± half the 95% ' +
      `interval.</p>${table(['clip', ...systems.map(({ signal }) => escapeHtml(signal))], rows)}`,
  );
}

function listenersSection({ listeners, test }: Results): string {
  const rows = listeners.map((one) => [
    String(one.listener),
    escapeHtml(one.participant ?? ''),
    `${one.trials}${one.finished ? '' : ' (not finished)'}`,
    one.secondsPerTrial === null ? '' : one.secondsPerTrial.toFixed(0),
    one.headphones ?? '',
    ...(test.kind === 'mushra'
      ? []
      : [one.traps.of === 0 ? '' : `${one.traps.of - one.traps.failed} of ${one.traps.of}`]),
    one.excluded.length > 0
      ? `<b>excluded</b>: ${escapeHtml(one.excluded.join('; '))}`
      : one.trials > 0
        ? 'counted'
        : '',
    escapeHtml(one.comment ?? ''),
  ]);
  const rules =
    test.kind === 'mushra'
      ? 'Excluded by BS.1534-3, 4.1.2: who rates the hidden reference below 90 in more than 15% of the clips, ' +
        'or the middle anchor above 90 in more than 15% (clips whose middle anchor more than a quarter of the ' +
        'listeners rate above 90 not counted).'
      : 'Excluded: who answers a trap wrongly.';
  return section(
    'Listeners',
    '<p ' +
      `class="note">${rules}</p>${table(['listener', 'participant', 'trials', 's per trial', 'headphones', ...(test.kind === 'mushra' ? [] : ['traps']), 'answers', 'comment'], rows, 'texts')}`,
  );
}

function outliersSection({ outliers }: Results): string {
  const rows = outliers.map(({ listener, clip, signals, value }) => [
    String(listener),
    escapeHtml(clip),
    escapeHtml(signals[0]),
    String(value),
  ]);
  return section(
    'Ratings to look into',
    '<p class="note">More than 1.5 interquartile ranges outside the quartiles of their clip and system ' +
      '(BS.1534-3, 4.1.2). They are counted: only what is shown to be an error may be left ' +
      `out.</p>${table(['listener', 'clip', 'system', 'rating'], rows)}`,
  );
}

function rawSection(results: Results): string {
  const link = (name: string, type: string, text: string) =>
    `<a download="${name}" href="data:${type};base64,${Buffer.from(text).toString('base64')}">${name}</a>`;
  return section(
    'Raw data',
    `<p>${link('ratings.csv', 'text/csv', ratingsCsv(results))} (one rating a line), ` +
      `${link('report.json', 'application/json', JSON.stringify(results))} (everything on this page)</p>`,
  );
}

const section = (title: string, content: string): string => `<section><h2>${title}</h2>${content}</section>`;

function table(header: readonly string[], rows: readonly (readonly string[])[], type = ''): string {
  const head = header.map((text) => `<th scope="col">${text}</th>`).join('');
  const body = rows
    .map(
      ([first, ...others]) =>
        `<tr><th scope="row">${first}</th>${others.map((text) => `<td>${text}</td>`).join('')}</tr>`,
    )
    .join('');
  return (
    '<div class="scroll"><table ' +
    `class="${type}"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
  );
}

const number = (value: number): string => (Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));
const range = ({ low, high }: Interval): string =>
  low === null || high === null ? 'too few' : `${number(low)} to ${number(high)}`;
const percent = (share: number | null): string =>
  share === null || Number.isNaN(share) ? '' : `${(100 * share).toFixed(1)}%`;
const pValue = (p: number): string => (p < 0.0001 ? '&lt; 0.0001' : p.toFixed(4));

const style = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--text:#1b2027;--quiet:#565f6b;--edge:#d5dbe3;--accent:#2457c5;--box:#c5d5f5;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--card:#1d2229;--text:#e8ebef;--quiet:#a6afbb;--edge:#39424d;--accent:#8fb3ff;--box:#2c4066}}
body{margin:0;background:var(--ground);color:var(--text)}main{max-width:56rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{margin:0;font-size:1.7rem}h2{margin:0 0 .6rem;font-size:1.15rem}.kind{margin:.2rem 0 1rem;color:var(--quiet)}
section{margin:1.2rem 0;padding:1.2rem 1.4rem;border:1px solid var(--edge);border-radius:.9rem;background:var(--card)}
.figures{display:flex;flex-wrap:wrap;gap:.8rem 2.2rem;margin:0}.figures dt{color:var(--quiet);font-size:.85rem}.figures dd{margin:0;font-size:1.5rem;font-weight:600}
.note{color:var(--quiet);font-size:.88rem}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .7rem;border-bottom:1px solid var(--edge);text-align:right;vertical-align:top}th:first-child,.texts :is(th,td):nth-last-child(-n+2){text-align:left}thead th{color:var(--quiet);font-weight:500}tbody th{font-weight:600}
a{color:var(--accent)}svg{display:block;width:100%;height:auto;font-size:12px}svg text{fill:var(--text)}
.grid{stroke:var(--edge)}.tick,.axis{text-anchor:middle}svg .tick,svg .axis{fill:var(--quiet)}.name{text-anchor:end;font-weight:600}
.dot{fill:var(--quiet);opacity:.4}.box{fill:var(--box)}.bar{fill:var(--box)}.interval{stroke:var(--accent);stroke-width:2}.mean{fill:var(--accent)}.chance{stroke:var(--quiet);stroke-dasharray:4 4}
@media print{section{break-inside:avoid}}`;
