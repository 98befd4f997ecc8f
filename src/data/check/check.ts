import { type CorpusSurvey, surveyCorpus } from '../corpora/corpus.js';
import { spokenText } from '../corpora/split.js';
import { shareOut } from '../store/workers.js';
import { type CheckedClip, type Finding, findingsOf } from './findings.js';
import { medianOf } from './outliers.js';
import type { RecordingFigures } from './recording.js';
import type { CheckResult } from './worker.js';

/** A figure over all clips for which there is a value. */
export interface Spread {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly lowest: number;
  readonly median: number;
  readonly highest: number;
}

/** What was found in a corpus; this is what `tts-prepare check --json` prints. */
export interface CorpusCheck {
  /** Of this layout; a later layout has a higher one. */
  readonly format: 1;
  readonly folder: string;
  /** Of all clips that could be read. */
  readonly seconds: number;
  readonly silentSeconds: number;
  readonly transcripts: number;
  /** How many different texts there are. */
  readonly texts: number;
  /** Clips by sample rate in Hz, and by number of channels. */
  readonly sampleRates: Readonly<Record<string, number>>;
  readonly channels: Readonly<Record<string, number>>;
  readonly spreads: readonly Spread[];
  readonly findings: readonly Finding[];
  readonly clips: readonly CheckedClip[];
}

/** The figures that are told of all clips. */
const spreads: readonly (Pick<Spread, 'name' | 'unit' | 'digits'> & {
  readonly of: (clip: CheckedClip) => number | null;
})[] = [
  { name: 'Length', unit: 's', digits: 2, of: ({ seconds }) => seconds },
  { name: 'Loudness', unit: 'LUFS', digits: 1, of: ({ loudness }) => loudness },
  { name: 'Peak', unit: 'dBFS', digits: 1, of: ({ peak }) => peak },
  { name: 'Noise floor', unit: 'dBFS', digits: 1, of: ({ noiseFloor }) => noiseFloor },
  { name: 'Offset', unit: '16-bit steps', digits: 1, of: ({ offset }) => offset },
  { name: 'Bandwidth', unit: 'Hz', digits: 0, of: ({ bandwidth }) => bandwidth },
  { name: 'Silence before', unit: 's', digits: 2, of: ({ silence }) => silence.before },
  { name: 'Silence after', unit: 's', digits: 2, of: ({ silence }) => silence.after },
  { name: 'Rate of speech', unit: 'letters/s', digits: 1, of: ({ rate }) => rate },
];

/**
 * Looks a corpus over: measures every recording and says what is unusual, what a training would refuse, and what it
 * would leave out.
 * @throws {TtsError} ERR_CORPUS for a folder that is no corpus at all
 */
export async function checkCorpus(
  folder: string,
  { threads, onProgress }: { threads: number; onProgress?: (done: number, total: number) => void },
): Promise<CorpusCheck> {
  const survey = await surveyCorpus(folder);
  const { clips, faults } = await measureClips(survey, threads, onProgress);
  const texts = clips.map(({ text }) => spokenText(text)).filter((text) => text !== '');
  return {
    format: 1,
    folder,
    seconds: clips.reduce((sum, { seconds }) => sum + seconds, 0),
    silentSeconds: clips.reduce((sum, { silence }) => sum + silence.all, 0),
    transcripts: texts.length,
    texts: new Set(texts).size,
    sampleRates: countBy(clips.map(({ sampleRate }) => sampleRate)),
    channels: countBy(clips.map(({ channels }) => channels)),
    spreads: spreads.flatMap(({ of, ...spread }) => {
      const values = clips.map(of).filter((value) => value !== null);
      if (values.length === 0) return [];
      const [lowest, highest] = [Math.min, Math.max].map((end) => values.reduce((a, b) => end(a, b)));
      return [{ ...spread, lowest, median: medianOf(values), highest }];
    }),
    findings: findingsOf(survey, clips, faults),
    clips,
  };
}

async function measureClips(
  survey: CorpusSurvey,
  threads: number,
  onProgress?: (done: number, total: number) => void,
): Promise<{ clips: CheckedClip[]; faults: { id: string; detail: string }[] }> {
  const results: CheckResult[] = [];
  let done = 0;
  onProgress?.(done, survey.clips.length);
  await shareOut<CheckResult>(survey.clips, [...survey.clips.keys()], {
    worker: new URL('./worker.js', import.meta.url),
    data: undefined,
    threads,
    onResult: (index, result) => void (results[index] = result),
    onDone: () => onProgress?.(++done, survey.clips.length),
  });
  const clips: CheckedClip[] = [];
  const faults: { id: string; detail: string }[] = [];
  for (const [i, { id, text }] of survey.clips.entries()) {
    const result = results[i];
    if ('fault' in result) faults.push({ id, detail: result.fault });
    else
      clips.push({
        id,
        ...(text === undefined ? {} : { text }),
        ...result.figures,
        rate: rateOf(text, result.figures),
      });
  }
  return { clips, faults };
}

function rateOf(text: string | undefined, { seconds, silence }: RecordingFigures): number | null {
  const letters = [...spokenText(text)].length;
  const spoken = seconds - silence.before - silence.after;
  return letters === 0 || spoken <= 0 ? null : letters / spoken;
}

function countBy(values: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
