import type { Interval } from '../../base/statistics.js';
import { type Content, dataUri, type Markup, markup } from '../../report/markup.js';
import { reportPage, type Section, table } from '../../report/page.js';
import { mostDots, rowPlot } from '../../report/plots.js';
import { scale } from '../protocol.js';
import type { Choice, Results, SignalSummary } from './analysis.js';
import { ratingsCsv } from './scores.js';

const kindTitles = {
  mos: 'Mean opinion score, 1 to 5 (ITU-T P.800, absolute category rating)',
  cmos: 'Comparison mean opinion score, -3 to 3 (ITU-T P.800, comparison category rating)',
  ab: 'Preference between two',
  abx: 'ABX: telling two apart',
  mushra: 'MUSHRA, 0 to 100 (ITU-R BS.1534-3)',
} as const;

/**
 * The report of a listening test as one HTML page that needs nothing else.
 * @param links where ratings.csv and report.json are; without it they are in the page, which makes it long
 */
export function htmlReport(results: Results, links?: { readonly csv: string; readonly json: string }): string {
  const { systems, choices, comparisons, clips, outliers, test: study } = results;
  const sections: (Section | false)[] = [
    systems.length > 0 && { id: 'systems', title: 'Systems', content: ofSystems(results) },
    choices.length > 0 && {
      id: 'choices',
      title: study.kind === 'abx' ? 'Can they be told apart?' : 'Preferences',
      content: ofChoices(results),
    },
    comparisons.length > 0 && { id: 'comparisons', title: 'Comparisons', content: ofComparisons(results) },
    clips.length > 0 && { id: 'clips', title: 'Clips', content: ofClips(results) },
    { id: 'listeners', title: 'Listeners', content: ofListeners(results) },
    outliers.length > 0 && { id: 'outliers', title: 'Ratings to look into', content: ofOutliers(results) },
    { id: 'data', title: 'Raw data', content: rawData(results, links) },
  ];
  return reportPage({
    title: `${study.title}: results`,
    lead: lead(results),
    sections: sections.filter((section) => section !== false),
    footer: markup`<p>Made by tts-listen of SparseWaveRNN.</p>`,
  });
}

/** Ratings that count: neither practice nor traps, and not those of excluded listeners. */
function countedScores({ scores, listeners }: Results) {
  const excluded = new Set(listeners.filter((one) => one.excluded.length > 0).map(({ listener }) => listener));
  return scores.filter(({ role, listener }) => role === 'test' && !excluded.has(listener));
}

function lead(results: Results): Content {
  const { test: study, unit, listeners, damage } = results;
  const figures: [string, number][] = [
    ['listeners', listeners.length],
    ['finished', listeners.filter(({ finished }) => finished).length],
    ['excluded', listeners.filter(({ excluded }) => excluded.length > 0).length],
    ['ratings counted', countedScores(results).length],
  ];
  const observation =
    study.kind === 'ab' || study.kind === 'abx'
      ? 'Each vote counts once.'
      : unit === 'listener'
        ? 'The unit of observation is the listener: each counts once, with the mean of their ratings.'
        : 'The unit of observation is the rating: the figures hold for these listeners, not for others.';
  return markup`<p class="soft">${kindTitles[study.kind]}</p>
<dl class="figures">${figures.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<p>${observation}</p>
${
  damage.length > 0 &&
  markup`<p role="alert"><b>The file of answers is damaged.</b> All here is from what is whole of it. Left out:</p>
<ul>${damage.map((what) => markup`<li>${what}</li>`)}</ul>`
}`;
}

function ofSystems(results: Results): Content {
  const { systems, test: study } = results;
  const counted = countedScores(results);
  const rows = systems.map((one) => ({
    name: one.signal,
    shown: halfInterval(one),
    dots: counted
      .filter(({ signals }) => signals[0] === one.signal)
      .map(({ listener, clip, value }) => ({ title: `listener ${listener}, ${clip}: ${value}`, value })),
    box: [one.lowerQuartile, one.upperQuartile] as const,
    interval: one,
  }));
  return [
    plotCard(
      rowPlot({ title: 'Ratings', rows, range: scale[study.kind], wide: true }),
      `A dot is a rating (at most ${mostDots} of a system are drawn), the box the quartiles, the ring the mean, ` +
        "its bar the 95% confidence interval (Student's t).",
    ),
    table('Ratings of each system', [
      ['system', 'ratings', 'mean', '95% interval', 'median', 'quartiles'],
      ...systems.map((one) => [
        one.signal,
        one.ratings,
        markup`<b>${number(one.mean)}</b>`,
        range(one),
        number(one.median),
        `${number(one.lowerQuartile)} to ${number(one.upperQuartile)}`,
      ]),
    ]),
  ];
}

function ofChoices({ choices, test: study }: Results): Content {
  const abx = study.kind === 'abx';
  const title = ({ a, b }: Choice) => (abx ? `${a} / ${b}` : `${b} over ${a}`);
  const hundredfold = (share: number | null) => (share === null || Number.isNaN(share) ? null : 100 * share);
  const rows = choices.map((one) => ({
    name: title(one),
    shown: percent(one.mean),
    bar: hundredfold(one.mean) ?? undefined,
    interval: { mean: hundredfold(one.mean), low: hundredfold(one.low), high: hundredfold(one.high) },
  }));
  const what = abx ? 'Right answers' : 'Share of the votes';
  const columns = abx ? ['pair', 'right', 'wrong', 'share'] : ['pair', 'for', 'against', 'no preference', 'share'];
  const note = abx
    ? 'p: one-sided binomial test that the share of right answers is above chance.'
    : 'Share of the votes for one of the two. p: two-sided binomial test against one half.';
  return [
    plotCard(
      rowPlot({
        title: `${what}, %`,
        rows,
        range: [0, 100],
        ticks: [0, 25, 50, 75, 100],
        line: 50,
        wide: true,
      }),
      `${what} in %; the ring stands on the 95% confidence interval, the dashed line is chance.`,
    ),
    markup`<p class="soft">${note} Intervals: 95%, Clopper and Pearson. Adjusted p: Holm.</p>`,
    table(abx ? 'Answers for each pair' : 'Votes for each pair', [
      [...columns, '95% interval', 'p', 'adjusted p'],
      ...choices.map((one) => [
        title(one),
        one.votes[1],
        one.votes[0],
        ...(abx ? [] : [one.undecided]),
        markup`<b>${percent(one.mean)}</b>`,
        `${percent(one.low)} to ${percent(one.high)}`,
        pValue(one.p),
        pValue(one.pAdjusted),
      ]),
    ]),
  ];
}

function ofComparisons({ comparisons, test: study, unit }: Results): Content {
  const what = study.kind === 'cmos' ? 'Above 0: the first-named sounds better.' : 'Difference of the ratings.';
  return [
    markup`<p class="soft">${what} p: Wilcoxon's signed rank test over ${unit === 'listener' ? 'listeners' : 'ratings'},
two-sided; V is the sum of the positive ranks. Adjusted p: Holm, for ${comparisons.length} comparisons; * below
0.05.</p>`,
    table('Each system against each other', [
      ['difference', 'n', 'mean', '95% interval', 'V', 'p', 'adjusted p'],
      ...comparisons.map((one) => [
        `${one.b} − ${one.a}`,
        one.n,
        markup`<b>${one.mean > 0 && '+'}${number(one.mean)}</b>`,
        range(one),
        one.v,
        pValue(one.p),
        [pValue(one.pAdjusted), one.pAdjusted < 0.05 && markup` <b title="significant at 5%">*</b>`],
      ]),
    ]),
  ];
}

function ofClips({ clips, systems }: Results): Content {
  const names = [...new Set(clips.map(({ clip }) => clip as string))];
  const cell = (clip: string, signal: string): Content => {
    const one = clips.find((summary) => summary.clip === clip && summary.signal === signal);
    if (one === undefined) return '';
    return [number(one.mean), one.low !== null && markup` <small>± ${number(one.mean - one.low)}</small>`];
  };
  return table('Means over the ratings, ± half of the 95% interval', [
    ['clip', ...systems.map(({ signal }) => signal)],
    ...names.map((clip) => [clip, ...systems.map(({ signal }) => cell(clip, signal))]),
  ]);
}

function ofListeners({ listeners, test: study }: Results): Content {
  const mushra = study.kind === 'mushra';
  const rules = mushra
    ? 'Excluded by BS.1534-3, 4.1.2: listeners who rate the hidden reference below 90 in more than 15% of the clips, ' +
      'or the middle anchor above 90 in more than 15% of them (not counting clips in which more than a quarter of ' +
      'the listeners do so).'
    : 'Excluded: listeners who answer a trap wrongly.';
  const head = ['listener', 'participant', 'trials', 's per trial', 'headphones', ...(mushra ? [] : ['traps'])];
  return [
    markup`<p class="soft">${rules}</p>`,
    table(
      'Everyone who began',
      [
        [...head, 'answers', 'comment'],
        ...listeners.map((one) => [
          one.listener,
          one.participant,
          [one.trials, !one.finished && ' (not finished)'],
          one.secondsPerTrial?.toFixed(0),
          one.headphones,
          ...(mushra ? [] : [one.traps.of > 0 && `${one.traps.of - one.traps.failed} of ${one.traps.of}`]),
          one.excluded.length > 0 ? markup`<b>excluded</b>: ${one.excluded.join('; ')}` : one.trials > 0 && 'counted',
          one.comment,
        ]),
      ],
      [head.length, head.length + 1],
    ),
  ];
}

function ofOutliers({ outliers }: Results): Content {
  return [
    markup`<p class="soft">More than 1.5 interquartile ranges outside the quartiles of their clip and system (BS.1534-3,
4.1.2). They are counted: only what is shown to be an error may be left out.</p>`,
    table('Unusual ratings', [
      ['listener', 'clip', 'system', 'rating'],
      ...outliers.map(({ listener, clip, signals, value }) => [listener, clip, signals[0], value]),
    ]),
  ];
}

function rawData(results: Results, links?: { readonly csv: string; readonly json: string }): Markup {
  const link = (name: string, address: string) => markup`<a download="${name}" href="${address}">${name}</a>`;
  const csv = links?.csv ?? dataUri('text/csv', Buffer.from(ratingsCsv(results)));
  const json = links?.json ?? dataUri('application/json', Buffer.from(JSON.stringify(results)));
  return markup`<p>${link('ratings.csv', csv)} (one rating a line),
${link('report.json', json)} (everything on this page)</p>`;
}

const plotCard = (plot: Markup, caption: string): Markup =>
  markup`<figure class="card wide">${plot}<figcaption>${caption}</figcaption></figure>\n`;

const number = (value: number): string => (Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));
const range = ({ low, high }: Interval): string =>
  low === null || high === null ? 'too few' : `${number(low)} to ${number(high)}`;
const halfInterval = ({ mean, high }: SignalSummary): string =>
  high === null ? number(mean) : `${number(mean)} ± ${number(high - mean)}`;
const percent = (share: number | null): string =>
  share === null || Number.isNaN(share) ? '' : `${(100 * share).toFixed(1)}%`;
const pValue = (p: number): string => (p < 0.0001 ? '< 0.0001' : p.toFixed(4));
