import { toInt16 } from '../../audio/audio.js';
import { wavBytes } from '../../audio/write.js';
import type { Clip } from '../../data/corpora/corpus.js';
import { dataUri, type Markup, markup } from '../../report/markup.js';
import { table } from '../../report/page.js';
import { extent, linePlot, ticks } from '../../report/plots.js';
import { seriesColour } from '../../report/style.js';
import { measureHop } from '../alignment.js';
import type { Evaluation } from '../evaluate.js';
import { trackPitch } from '../pitch.js';
import type { System } from '../system.js';
import { loudestMagnitude, spectrogramPicture } from './spectrogram_picture.js';
import { clipCells, titleOf } from './tables.js';

/** A longer clip is cut to this many seconds. */
const mostSeconds = 15;

/** Ids of the two worst and the two best clips, each with its rank in words; the worst first. */
export function shownClips(ranking: readonly string[]): { id: string; rank: string }[] {
  const few = [['the only clip'], ['best', 'worst'], ['best', 'second best', 'worst']];
  const names = few[ranking.length - 1] ?? ['best', 'second best', 'second worst', 'worst'];
  const half = Math.ceil(names.length / 2);
  const ids = [...ranking.slice(0, half), ...ranking.slice(ranking.length - (names.length - half))];
  return ids.map((id, i) => ({ id, rank: names[i] })).reverse();
}

interface Take {
  readonly name: string;
  readonly colour: string;
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** The card of one clip: figures, pictures, players, melody. */
export async function clipCard(
  evaluation: Evaluation,
  systems: readonly System[],
  clip: Clip,
  rank: string,
): Promise<Markup> {
  const takes: Take[] = [];
  for (const [i, system] of systems.entries()) {
    const { original, output, sampleRate } = await system.speak(clip);
    if (i === 0)
      takes.push({
        name: 'original',
        colour: 'original',
        samples: original.subarray(0, mostSeconds * sampleRate),
        sampleRate,
      });
    takes.push({
      name: system.name,
      colour: seriesColour(i),
      samples: output.subarray(0, mostSeconds * sampleRate),
      sampleRate,
    });
  }
  const loudest = loudestMagnitude(takes[0].samples);
  const rows = evaluation.systems.map(({ name, clips }) => [
    name,
    ...clips.filter(({ id }) => id === clip.id).flatMap((result) => clipCells(evaluation.measures, result)),
  ]);
  const { recognition } = evaluation;
  const heard = (recognition === null ? [] : [recognition.recordings, ...recognition.systems]).flatMap(
    ({ name, clips }) =>
      clips
        .filter(({ id }) => id === clip.id)
        .map((one) => [name, `${one.errors} of ${one.words}`, one.heard === '' ? 'nothing' : one.heard]),
  );
  return markup`<article class="clip">
<h3>${clip.id}<span class="badge">${rank}</span></h3>
${clip.text !== undefined && markup`<p>${clip.text}</p>`}
${table(`Measures of ${clip.id}`, [['system', ...evaluation.measures.map(titleOf)], ...rows])}
${heard.length > 0 && table(`What a recogniser heard of ${clip.id}`, [['system', 'words wrong', 'heard'], ...heard], [2])}
<div class="panels">${takes.map((take) => takeFigure(clip.id, take, loudest))}</div>
<figure>
${melodyPlot(`Fundamental frequency of ${clip.id}: ${takes.map(({ name }) => name).join(', ')}`, takes)}
<figcaption>Fundamental frequency in Hz: ${takes.map((take) => markup`${legend(take)} `)}</figcaption>
</figure>
</article>
`;
}

const legend = ({ name, colour }: Take): Markup =>
  markup`<span class="${colour}"><span class="key"></span>${name}</span>`;

function takeFigure(id: string, take: Take, loudest: number): Markup {
  const { name, samples, sampleRate } = take;
  const seconds = samples.length / sampleRate;
  const what = `0 to ${(sampleRate / 2000).toFixed(1)} kHz, ${seconds.toFixed(1)} s`;
  const picture = dataUri('image/png', spectrogramPicture(samples, loudest));
  const sound = dataUri('audio/wav', wavBytes(toInt16(samples), sampleRate));
  return markup`<figure>
<figcaption>${legend(take)} · ${what}</figcaption>
<img alt="Spectrogram of ${id}, ${name}: ${what}" src="${picture}">
<audio controls preload="metadata" aria-label="${id}, ${name}" src="${sound}"></audio>
</figure>
`;
}

/** The frequencies in Hz that are marked, as far as they are in the picture. */
const markedFrequencies = [60, 80, 100, 150, 200, 300, 400, 600];

/** The fundamental frequencies of some takes over time, on a scale on which octaves are equal. */
function melodyPlot(title: string, takes: readonly Take[]): Markup {
  const lines = takes.map(({ colour, samples, sampleRate }) => {
    const secondsPerFrame = measureHop(sampleRate) / sampleRate;
    const points = Array.from(trackPitch(samples, sampleRate), (frequency, i) =>
      frequency > 0 ? ([i * secondsPerFrame, Math.log2(frequency)] as const) : null,
    );
    return { colour, points, seconds: points.length * secondsPerFrame };
  });
  const octaves = lines.flatMap(({ points }) => points.flatMap((point) => (point === null ? [] : [point[1]])));
  if (octaves.length === 0) return markup`<p class="soft">Nothing is voiced.</p>`;
  const [low, high] = extent(octaves);
  const seconds = Math.max(...lines.map((line) => line.seconds));
  return linePlot({
    title,
    x: { range: [0, seconds], marks: ticks(0, seconds).map((at) => ({ at, text: `${at} s` })) },
    y: {
      range: [low, high],
      marks: markedFrequencies
        .map((frequency) => ({ at: Math.log2(frequency), text: String(frequency) }))
        .filter(({ at }) => at >= low && at <= high),
    },
    lines,
  });
}
