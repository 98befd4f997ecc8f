import type { Clip } from '../../data/corpora/corpus.js';
import { type Content, type Markup, markup } from '../../report/markup.js';
import { reportPage, table } from '../../report/page.js';
import { rowPlot } from '../../report/plots.js';
import type { Evaluation } from '../evaluate.js';
import { type Measure, shown } from '../measures.js';
import type { Recognition } from '../recognition/recognition.js';
import type { System } from '../system.js';
import { clipCard, shownClips } from './clips.js';
import { published, publishedClips, publishedDigits, publishedSource } from './published.js';
import { clipRows, differenceRows, shownDifference, shownInterval, titleOf, wordRows, wordsCaption } from './tables.js';

/** Longer tables are cut; the JSON has all rows. */
const mostRows = 1000;

/**
 * The report of an evaluation as one HTML page that needs nothing else.
 * @param systems those that were evaluated; they speak the best and the worst clips once more
 * @param clips those that were measured
 */
export async function htmlReport(
  evaluation: Evaluation,
  systems: readonly System[],
  clips: readonly Clip[],
): Promise<string> {
  const cards: Markup[] = [];
  for (const { id, rank } of shownClips(evaluation.ranking))
    cards.push(await clipCard(evaluation, systems, clips.find((clip) => clip.id === id) as Clip, rank));
  const several = evaluation.systems.length > 1;
  return reportPage({
    title: `${evaluation.systems.map(({ name }) => name).join(', ')} against ${evaluation.reference}`,
    lead: lead(evaluation),
    sections: [
      { id: 'summary', title: 'Summary', content: summary(evaluation) },
      { id: 'plots', title: 'Clips and means', content: plots(evaluation) },
      ...(evaluation.differences.length > 0
        ? [{ id: 'differences', title: 'Differences', content: differences(evaluation) }]
        : []),
      ...(evaluation.recognition === null
        ? []
        : [{ id: 'words', title: 'Words', content: words(evaluation.recognition) }]),
      {
        id: 'listen',
        title: 'Worst and best clips',
        content: [
          markup`<p>By the mean of their ranks in all measures of what is heard${several && ' and all systems'}.</p>\n`,
          cards,
        ],
      },
      ...(evaluation.alignment === 'samples'
        ? [{ id: 'others', title: 'Beside other vocoders', content: others(evaluation) }]
        : []),
      {
        id: 'clips',
        title: 'All clips',
        content: evaluation.systems.map((system) => clipTable(evaluation.measures, system)),
      },
      { id: 'measures', title: 'What was measured', content: definitions(evaluation) },
    ],
    footer: [
      evaluation.systems.map(({ name, path, settings }) => {
        const facts = [path, ...Object.entries(settings).map(([setting, value]) => `${setting} ${value}`)];
        return markup`<p>${name}: ${facts.join(', ')}</p>\n`;
      }),
      evaluation.notes.map((note) => markup`<p>${note}</p>\n`),
      markup`<p>Made by tts-eval of SparseWaveRNN.</p>`,
    ],
  });
}

function lead({ systems: [{ clips }], alignment }: Evaluation): Markup {
  const seconds = clips.reduce((sum, clip) => sum + clip.seconds, 0);
  const length = seconds < 600 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(0)} min`;
  const how =
    alignment === 'warped'
      ? 'Frames were aligned by dynamic time warping.'
      : 'Copies were compared with the originals sample by sample.';
  return markup`<p>${clips.length} ${clips.length === 1 ? 'clip' : 'clips'}, ${length} of recordings. ${how}</p>`;
}

function summary({ measures, systems }: Evaluation): Content {
  const rows = measures.map((measure) => {
    const means = systems.map(({ summary }) => summary[measure.name].mean);
    const known = means.filter((mean) => mean !== null);
    const best = measure.better === 'lower' ? Math.min(...known) : Math.max(...known);
    const cells = systems.map(({ summary }, i) => {
      const text = shownInterval(summary[measure.name], measure);
      return means[i] === best && known.some((mean) => mean !== best) ? markup`<b>${text}</b>` : text;
    });
    return [titleOf(measure), measure.better, ...cells];
  });
  const pooled = systems.flatMap(({ name, pooledNll }) =>
    pooledNll === null ? [] : [`${name} ${pooledNll.toFixed(3)}`],
  );
  const several = systems.length > 1;
  return [
    table('Mean over the clips ± half of its 95% confidence interval', [
      ['measure', 'better', ...systems.map(({ name }) => name)],
      ...rows,
    ]),
    pooled.length > 0 &&
      markup`<p class="soft">NLL over all samples together, in which long clips count more: ${pooled.join(', ')}.</p>`,
    markup`<p class="soft">Intervals by Student's t: how far the mean would move with other clips of the same kind.${
      several && ' The best mean is bold. Whether it is better by more than chance, the differences below say.'
    }</p>`,
  ];
}

function plots({ measures, systems }: Evaluation): Markup {
  return markup`<div class="grid">
${measures.map((measure) => {
  const rows = systems.map(({ name, clips, summary }) => ({
    name,
    shown: shownInterval(summary[measure.name], measure),
    dots: clips.flatMap((clip) => dot(clip.id, clip.measures[measure.name])),
    interval: summary[measure.name],
  }));
  return plotCard(titleOf(measure), rowPlot({ title: titleOf(measure), rows }), `${measure.better} is better`);
})}</div>
<p class="soft">A dot is a clip; the ring is the mean, its bar the 95% confidence interval.</p>`;
}

function differences(evaluation: Evaluation): Content {
  const { measures, systems } = evaluation;
  const clipsOf = (name: string) => systems.find((system) => system.name === name)?.clips ?? [];
  return [
    markup`<p>Clip by clip, so that what makes a clip easy or hard for all systems cancels out. p: two-sided paired t
test, not corrected for many comparisons.</p>`,
    table('Mean difference ± half of its 95% confidence interval', differenceRows(evaluation)),
    markup`<div class="grid">
${measures.map((measure) => {
  const rows = evaluation.differences.map((pair) => {
    const [a, b] = [clipsOf(pair.system), clipsOf(pair.against)];
    return {
      name: `${pair.system} − ${pair.against}`,
      shown: shownDifference(pair.differences[measure.name], measure),
      dots: a.flatMap(({ id, measures: own }, i) => {
        const [value, other] = [own[measure.name], b[i].measures[measure.name]];
        return dot(id, value === null || other === null ? null : value - other);
      }),
      interval: pair.differences[measure.name],
    };
  });
  const plot = rowPlot({ title: `Difference of ${titleOf(measure)}`, rows, line: 0 });
  return plotCard(titleOf(measure), plot, `${measure.better} is better for the first`);
})}</div>`,
  ];
}

const words = (recognition: Recognition): Content => [
  table(wordsCaption(recognition), wordRows(recognition)),
  markup`<p class="soft">The recogniser is no listener, and errs on the recordings too: what counts is how much more it errs
on a copy. Texts are compared in lower case and without punctuation; an error is a word in the place of another, one left
out or one too many.</p>`,
];

function others({ measures, systems }: Evaluation): Content {
  const rows = measures.flatMap((measure) => {
    const digits = publishedDigits[measure.name];
    if (digits === undefined) return [];
    const here = systems.map(({ summary }) => shown(summary[measure.name].mean, { digits }));
    const there = published.map(({ means }) => shown(means[measure.name] ?? null, { digits }));
    return [[titleOf(measure), measure.better, ...here, ...there]];
  });
  return [
    table('Means of other vocoders, on other clips', [
      ['measure', 'better', ...systems.map(({ name }) => `${name}, here`), ...published.map(({ name }) => name)],
      ...rows,
    ]),
    markup`<p class="soft">A yardstick for copies of recordings, and no comparison: all but the columns marked “here” are of
${publishedClips.length} clips of LJSpeech (${publishedClips.join(', ')}), ${publishedSource}; those vocoders were trained
on 24 hours, SparseWaveRNN 0.1 on 5.6 minutes.</p>`,
  ];
}

const dot = (clip: string, value: number | null) =>
  value === null ? [] : [{ title: `${clip}: ${Number(value.toPrecision(4))}`, value }];

const plotCard = (title: string, plot: Markup, caption: string): Markup =>
  markup`<figure class="card"><h3>${title}</h3>${plot}<figcaption>${caption}</figcaption></figure>\n`;

function clipTable(measures: readonly Measure[], system: Evaluation['systems'][number]): Content {
  const cut = system.clips.length > mostRows;
  return [
    table(system.name, clipRows(measures, system.clips.slice(0, mostRows))),
    cut && markup`<p class="soft">The first ${mostRows} of ${system.clips.length} clips; --json has all.</p>`,
  ];
}

function definitions({ measures }: Evaluation): Markup {
  const entries = measures.map(
    (measure) =>
      markup`<dt>${titleOf(measure)}</dt><dd>${measure.definition} ${
        measure.better === 'lower' ? 'Lower' : 'Higher'
      } is better.</dd>\n`,
  );
  return markup`<dl>${entries}</dl>
<p class="soft">A dash stands for what could not be measured, such as the melody of a clip in which nothing is voiced.
It counts in no mean.</p>`;
}
