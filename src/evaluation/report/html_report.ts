import { createHash } from 'node:crypto';
import type { Clip } from '../../data/corpora/corpus.js';
import { type Content, html, Markup, table } from '../../report/html.js';
import type { Evaluation } from '../evaluate.js';
import type { Measure } from '../measures.js';
import type { System } from '../system.js';
import { clipCard, shownClips } from './clips.js';
import { stripPlot } from './plots.js';
import { style } from './style.js';
import { clipRows, differenceRows, shownDifference, shownInterval, titleOf } from './tables.js';

/** Longer tables are cut; the JSON has all. */
const mostRows = 1000;

/**
 * Nothing is fetched, run or sent: pictures and sound are in the page, and the one style sheet is known by its hash.
 */
const policy =
  `default-src 'none'; img-src data:; media-src data:; style-src ` +
  `'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/**
 * The report of an evaluation as one HTML page that needs nothing else.
 * @param systems those that were evaluated; they say the best and the worst clips again
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
  const title = `${evaluation.systems.map(({ name }) => name).join(', ')} against ${evaluation.reference}`;
  const sections: [id: string, title: string, content: Content][] = [
    ['summary', 'Summary', summary(evaluation)],
    ['plots', 'Clips and means', plots(evaluation)],
    ...(evaluation.differences.length > 0
      ? [['differences', 'Differences', differences(evaluation)] as [string, string, Content]]
      : []),
    [
      'listen',
      'Worst and best clips',
      [
        html`<p>
          By the mean of their ranks in all measures of what is
          heard${evaluation.systems.length > 1 ? ' and all systems' : ''}.
        </p> `,
        cards,
      ],
    ],
    ['clips', 'All clips', evaluation.systems.map((system) => clipTable(evaluation.measures, system))],
    ['measures', 'What was measured', definitions(evaluation)],
  ];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p>
            ${extentOf(evaluation)}
            ${evaluation.alignment === 'warped' ? 'Frames were aligned by dynamic time warping.' : 'Copies were compared sample by sample.'}
          </p>
          <nav aria-label="Sections">
            <ul>
              ${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>
          ${sections.map(
            ([id, name, content]) =>
              html`<section id="${id}">
                <h2>${name}</h2>
                ${content}
              </section> `,
          )}
        </main>
        <footer class="soft">
          ${evaluation.systems.map((system) => html`<p>${system.name}: ${[system.path, ...Object.entries(system.settings).map(([name, value]) => `${name} ${value}`)].join(', ')}</p>`)}
          ${evaluation.notes.map((note) => html`<p>${note}</p>`)}
          <p>Made by tts-eval of SparseWaveRNN.</p>
        </footer>
      </body>
    </html> `.text;
}

function extentOf({ systems: [{ clips }] }: Evaluation): string {
  const seconds = clips.reduce((sum, clip) => sum + clip.seconds, 0);
  return (
    `${clips.length} ${clips.length === 1 ? 'clip' : 'clips'}, ` +
    `${seconds < 600 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(0)} min`} of recordings.`
  );
}

function summary(evaluation: Evaluation): Content {
  const { measures, systems } = evaluation;
  const rows = measures.map((measure) => {
    const means = systems.map(({ summary }) => summary[measure.name].mean);
    const known = means.filter((mean) => mean !== null);
    const best = measure.better === 'lower' ? Math.min(...known) : Math.max(...known);
    const cells = systems.map(({ summary }, i) => {
      const text = shownInterval(summary[measure.name], measure);
      return means[i] === best && known.some((mean) => mean !== best) ? html`<span class="best">${text}</span>` : text;
    });
    return [titleOf(measure), measure.better, ...cells];
  });
  const pooled = systems.flatMap(({ name, pooledNll }) =>
    pooledNll === null ? [] : [`${name} ${pooledNll.toFixed(3)}`],
  );
  return [
    table('Mean over the clips ± half of its 95% confidence interval', [
      ['measure', 'better', ...systems.map(({ name }) => name)],
      ...rows,
    ]),
    pooled.length > 0
      ? html`<p class="soft">NLL over all samples together, in which long clips count more: ${pooled.join(', ')}.</p>`
      : '',
    html`<p class="soft">
      Intervals by Student's t: how far the mean would move with other clips of the same
      kind.${systems.length > 1 ? ' The best mean is bold; whether the difference is more than chance is told by the differences below.' : ''}
    </p>`,
  ];
}

function plots({ measures, systems }: Evaluation): Markup {
  return html`<div class="grid">
      ${measures.map((measure) => {
        const rows = systems.map(({ name, clips, summary }) => ({
          name,
          shown: shownInterval(summary[measure.name], measure),
          values: clips.map((clip) => ({ id: clip.id, value: clip.measures[measure.name] })),
          interval: summary[measure.name],
        }));
        return html`<figure class="card">
          <h3>${titleOf(measure)}</h3>
          ${stripPlot(titleOf(measure), rows)}
          <figcaption>${measure.better} is better</figcaption>
        </figure> `;
      })}
    </div>
    <p class="soft">A dot is a clip; the ring is the mean, its bar the 95% confidence interval.</p>`;
}

function differences(evaluation: Evaluation): Content {
  const { measures, systems } = evaluation;
  const valuesOf = (name: string) => systems.find((system) => system.name === name)?.clips ?? [];
  return [
    html`<p>
      Clip by clip, so that what makes a clip easy or hard for all systems cancels. p: two-sided paired t test, not
      corrected for many comparisons.
    </p>`,
    table('Mean difference ± half of its 95% confidence interval', differenceRows(evaluation)),
    html`<div class="grid">
      ${measures.map((measure) => {
        const rows = evaluation.differences.map((pair) => {
          const [a, b] = [valuesOf(pair.system), valuesOf(pair.against)];
          const values = a.map(({ id, measures: own }, i) => {
            const [value, other] = [own[measure.name], b[i].measures[measure.name]];
            return { id, value: value === null || other === null ? null : value - other };
          });
          return {
            name: `${pair.system} − ${pair.against}`,
            shown: shownDifference(pair.differences[measure.name], measure),
            values,
            interval: pair.differences[measure.name],
          };
        });
        return html`<figure class="card">
          <h3>${titleOf(measure)}</h3>
          ${stripPlot(`Difference of ${titleOf(measure)}`, rows, true)}
          <figcaption>${measure.better} is better for the first</figcaption>
        </figure> `;
      })}
    </div>`,
  ];
}

function clipTable(measures: readonly Measure[], system: Evaluation['systems'][number]): Content {
  const cut = system.clips.length > mostRows;
  return [
    table(system.name, clipRows(measures, system.clips.slice(0, mostRows))),
    cut ? html`<p class="soft">The first ${mostRows} of ${system.clips.length} clips; --json has all.</p>` : '',
  ];
}

const definitions = ({ measures }: Evaluation): Markup =>
  html`<dl>
      ${measures.map(
        (measure) =>
          html`<dt>${titleOf(measure)}</dt>
            <dd>${measure.definition} ${measure.better === 'lower' ? 'Lower' : 'Higher'} is better.</dd> `,
      )}
    </dl>
    <p class="soft">
      A dash is what could not be measured, such as the melody of a clip in which nothing is voiced; it counts in no
      mean.
    </p>`;
