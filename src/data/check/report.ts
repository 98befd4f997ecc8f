import { type Content, markup } from '../../report/markup.js';
import { reportPage, table } from '../../report/page.js';
import { mostDots, rowPlot } from '../../report/plots.js';
import type { CorpusCheck, Spread } from './check.js';
import type { Finding } from './findings.js';

/** So many clips of a finding are named; all are in the JSON. */
const mostNamed = 3;
const mostListed = 100;

/** In sentences: how much there is. */
export function overview({ clips, seconds, silentSeconds, transcripts, texts, ...check }: CorpusCheck): string[] {
  const list = (counts: Readonly<Record<string, number>>, unit: string) =>
    Object.entries(counts)
      .map(([value, count]) => `${value}${unit} (${count} clips)`)
      .join(', ');
  const share = seconds > 0 ? Math.round((100 * silentSeconds) / seconds) : 0;
  return [
    `${clips.length} clips, ${(seconds / 3600).toFixed(2)} hours (${(seconds / 60).toFixed(1)} minutes), ` +
      `${share}% of it silence`,
    ...(clips.length > 0
      ? [`sample rates: ${list(check.sampleRates, ' Hz')}; channels: ${list(check.channels, '')}`]
      : []),
    `${transcripts} transcripts, ${texts} different texts`,
  ];
}

/** The figures of all clips as rows of a table, the head first. */
export function spreadRows({ spreads }: CorpusCheck): string[][] {
  const shown = ({ digits }: Spread, value: number) => value.toFixed(digits);
  return [
    ['figure', 'lowest', 'median', 'highest'],
    ...spreads.map((spread) => [
      `${spread.name}, ${spread.unit}`,
      ...[spread.lowest, spread.median, spread.highest].map((value) => shown(spread, value)),
    ]),
  ];
}

/** The findings as rows of a table, the head first. */
export function findingRows({ findings }: CorpusCheck): string[][] {
  return [
    ['finding', 'clips', 'in training', 'such as', 'what it means'],
    ...findings.map(({ what, effect, advice, clips }) => [
      what,
      String(clips.length),
      effectText[effect],
      clips.slice(0, mostNamed).map(nameOf).join('; ') + (clips.length > mostNamed ? '; …' : ''),
      advice,
    ]),
  ];
}

const effectText = { refused: 'the corpus is refused', 'left out': 'left out', none: '' } as const;
const nameOf = ({ id, detail }: Finding['clips'][number]) => (detail === '' ? id : `${id} (${detail})`);

/** The check as one HTML page. */
export function checkPage(check: CorpusCheck): string {
  const { folder, findings } = check;
  return reportPage({
    title: `The recordings in ${folder}`,
    lead: overview(check).map((line) => markup`<p>${line}.</p>`),
    sections: [
      {
        id: 'findings',
        title: 'To look at',
        content:
          findings.length === 0
            ? markup`<p>Nothing was found.</p>`
            : table('What was found', findingRows(check), [2, 3, 4]),
      },
      { id: 'figures', title: 'Figures', content: [table('Over all clips', spreadRows(check)), plots(check)] },
      ...findings.map((finding, i) => ({
        id: `finding-${i + 1}`,
        title: `Clips: ${finding.what}`,
        content: listed(finding),
      })),
    ],
    footer: markup`<p>Made by tts-prepare of SparseWaveRNN.</p>`,
  });
}

function plots({ clips }: CorpusCheck): Content {
  const row = (name: string, of: (clip: CorpusCheck['clips'][number]) => number | null) => ({
    name,
    shown: '',
    dots: clips.flatMap((clip) => {
      const value = of(clip);
      return value === null ? [] : [{ title: `${clip.id}: ${value.toFixed(1)}`, value }];
    }),
    interval: { mean: null, low: null, high: null },
  });
  return markup`<figure class="card">${rowPlot({
    title: 'Levels, dBFS or LUFS',
    wide: true,
    rows: [
      row('peak', ({ peak }) => peak),
      row('loudness', ({ loudness }) => loudness),
      row('noise floor', ({ noiseFloor }) => noiseFloor),
    ],
  })}<figcaption>A dot is a clip; at most ${mostDots} of a row are drawn.</figcaption></figure>`;
}

function listed({ clips, advice }: Finding): Content {
  const more = clips.length - mostListed;
  return [
    markup`<p>${advice}.</p>`,
    table('Clips', [['clip', 'what'], ...clips.slice(0, mostListed).map(({ id, detail }) => [id, detail])], [1]),
    more > 0 && markup`<p class="soft">And ${more} more: --json has all.</p>`,
  ];
}
