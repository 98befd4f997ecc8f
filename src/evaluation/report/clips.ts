import { toInt16 } from '../../audio/audio.js';
import { wavBytes } from '../../audio/write.js';
import type { Clip } from '../../data/corpora/corpus.js';
import { dataUri, html, type Markup, table } from '../../report/html.js';
import type { Evaluation } from '../evaluate.js';
import { trackPitch } from '../pitch.js';
import type { System } from '../system.js';
import { colourOf, pitchPlot } from './plots.js';
import { loudestMagnitude, spectrogramPicture } from './spectrogram_picture.js';
import { clipCells, titleOf } from './tables.js';

/** So many of the best and of the worst clips are shown. */
const shownOfEach = 2;

/** What is heard and seen of a clip: not more than so many seconds. */
const mostSeconds = 15;

/** Ids of the clips that are shown, with what they are: the worst first. */
export function shownClips(ranking: readonly string[]): { id: string; rank: string }[] {
  const last = ranking.length - 1;
  const name = (place: number) =>
    last === 0
      ? 'the only clip'
      : place === 0
        ? 'best'
        : place === last
          ? 'worst'
          : place <= last / 2
            ? `${ordinal(place + 1)} best`
            : `${ordinal(last - place + 1)} worst`;
  const places =
    ranking.length <= 2 * shownOfEach
      ? ranking.map((_, i) => i)
      : [...Array(shownOfEach).keys(), ...[...Array(shownOfEach).keys()].map((i) => last - i).reverse()];
  return places.reverse().map((place) => ({ id: ranking[place], rank: name(place) }));
}

const ordinal = (place: number) => ['', 'first', 'second', 'third', 'fourth'][place] ?? `${place}th`;

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
      colour: colourOf(i),
      samples: output.subarray(0, mostSeconds * sampleRate),
      sampleRate,
    });
  }
  const loudest = loudestMagnitude(takes[0].samples);
  const rows = evaluation.systems.map(({ name, clips }) => [
    name,
    ...clips.filter(({ id }) => id === clip.id).flatMap((result) => clipCells(evaluation.measures, result)),
  ]);
  const melody = `Fundamental frequency of ${clip.id}`;
  return html`<article class="clip">
    <h3>${clip.id}<span class="badge">${rank}</span></h3>
    ${clip.text === undefined ? '' : html`<p>${clip.text}</p>`}
    ${table(`Measures of ${clip.id}`, [['system', ...evaluation.measures.map(titleOf)], ...rows])}
    <div class="panels">${takes.map((take) => takeFigure(clip.id, take, loudest))}</div>
    <figure>
      ${pitchPlot(
        melody,
        takes.map(({ name, colour, samples, sampleRate }) => ({
          name,
          colour,
          sampleRate,
          track: trackPitch(samples, sampleRate),
        })),
      )}
      <figcaption>
        Fundamental frequency in Hz:
        ${takes.map(({ name, colour }) => html`<span class="${colour}"><span class="key"></span>${name}</span> `)}
      </figcaption>
    </figure>
  </article>`;
}

function takeFigure(id: string, { name, colour, samples, sampleRate }: Take, loudest: number): Markup {
  const seconds = samples.length / sampleRate;
  const what = `0 to ${(sampleRate / 2000).toFixed(1)} kHz, ${seconds.toFixed(1)} s`;
  return html`<figure>
    <figcaption>
      <span class="${colour}"><span class="key"></span>${name}</span> · ${what}
    </figcaption>
    <img
      alt="Spectrogram of ${id}, ${name}: ${what}"
      src="${dataUri('image/png', spectrogramPicture(samples, loudest))}"
    />
    <audio
      controls
      preload="metadata"
      aria-label="${id}, ${name}"
      src="${dataUri('audio/wav', wavBytes(toInt16(samples), sampleRate))}"
    ></audio>
  </figure>`;
}
