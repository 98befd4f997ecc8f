import type { LevelFault } from '../../audio/level_faults.js';
import type { CorpusSurvey } from '../corpora/corpus.js';
import { spokenText } from '../corpora/split.js';
import { type Expectation, outliers } from './outliers.js';
import type { RecordingFigures } from './recording.js';

/** A clip as it was found. */
export interface CheckedClip extends RecordingFigures {
  readonly id: string;
  readonly text?: string;
  /** Letters and digits of the transcript per second between the silences at the ends; null without a transcript. */
  readonly rate: number | null;
}

/** What a finding does to a training: the corpus is refused, clips are left out, or nothing. */
export type Effect = 'refused' | 'left out' | 'none';

/** Something to look at in a corpus. */
export interface Finding {
  /** In a few words, such as `clipped`. */
  readonly what: string;
  readonly effect: Effect;
  /** What it means, or what can be done. */
  readonly advice: string;
  /** Whom it concerns, the worst first: ids or paths, with what is the matter. */
  readonly clips: readonly { readonly id: string; readonly detail: string }[];
}

/** What the recipes for voices ask of a clip: their rate, samples of a frame, samples of a segment. */
const training = { sampleRate: 22050, hop: 256, segment: 960 } as const;

/** What is worth a look: an offset in 16-bit steps, silence at an end in seconds, silence as a share of a clip. */
const mostOffset = 10;
/** The mean of a shorter clip, in seconds, is that of a few periods of the voice. */
const leastForOffset = 0.5;
const mostSilence = 0.75;
const mostSilentShare = 0.6;

/** The level of the recipe for recordings made at home, in LUFS. */
const usualLevel = -23;

const expectations: readonly (Expectation & { readonly of: (clip: CheckedClip) => number | null })[] = [
  { name: 'loudness', unit: 'LUFS', digits: 1, least: 3, of: ({ loudness }) => loudness },
  { name: 'noise floor', unit: 'dBFS', digits: 1, least: 6, of: ({ noiseFloor }) => noiseFloor },
  { name: 'bandwidth', unit: 'Hz', digits: 0, least: 1000, of: ({ bandwidth }) => bandwidth },
  { name: 'rate of speech', unit: 'letters/s', digits: 1, least: 3, of: ({ rate }) => rate },
];

const advice: Readonly<Record<string, string>> = {
  loudness: 'data.treatment with levelPer: clip brings all clips to one level',
  'noise floor': 'another room or microphone, or no pause to measure it in; leave them out, or record them again',
  bandwidth: 'they were at a lower rate or compressed once; leave them out, or get the originals',
  'rate of speech': 'transcript and recording may not belong together',
};

/** What there is to look at in a corpus, what stops a training first. */
export function findingsOf(
  { missing, unlisted, textsAlone, runs, clips: all }: CorpusSurvey,
  clips: readonly CheckedClip[],
  faults: Finding['clips'],
): Finding[] {
  const findings: Finding[] = [];
  const add = (what: string, effect: Effect, meaning: string, found: Finding['clips']) => {
    if (found.length > 0) findings.push({ what, effect, advice: meaning, clips: found });
  };
  const those = (chosen: (clip: CheckedClip) => boolean, detail: (clip: CheckedClip) => string) =>
    clips.filter(chosen).map((clip) => ({ id: clip.id, detail: detail(clip) }));
  const named = (names: readonly string[]) => names.map((id) => ({ id, detail: '' }));
  const frames = ({ seconds }: CheckedClip) => Math.floor((seconds * training.sampleRate) / training.hop);
  const drawn = Math.ceil((training.hop - 1 + training.segment) / training.hop);
  const seconds = (clip: CheckedClip) => `${clip.seconds.toFixed(3)} s`;

  add('cannot be read', 'refused', 'convert or remove them', faults);
  add('missing', 'refused', 'metadata.csv names them; add the recordings or remove the lines', named(missing));
  add(
    'shorter than a frame',
    'refused',
    'remove them',
    those((clip) => frames(clip) < 1, seconds),
  );
  add(
    'shorter than a segment',
    'left out',
    'never drawn in training; join or remove them',
    those((clip) => frames(clip) >= 1 && frames(clip) < drawn, seconds),
  );
  add('not in metadata.csv', 'left out', 'add lines for them if they belong to the voice', named(unlisted));
  add('runs of tts-train', 'left out', 'what a voice has spoken there is no recording', named(runs));
  const withFault = (what: string, effect: Effect, meaning: string, is: (fault: LevelFault) => boolean) =>
    add(
      what,
      effect,
      meaning,
      clips.flatMap(({ id, faults: own }) => own.filter(is).map((fault) => ({ id, detail: fault.what }))),
    );
  const hopeless = (kind: LevelFault['kind']) => (fault: LevelFault) => fault.kind === kind && !fault.usable;
  const doubtful = (kind: LevelFault['kind']) => (fault: LevelFault) => fault.kind === kind && fault.usable;
  withFault('silent', 'left out', 'nothing can be learned from them', hopeless('silence'));
  withFault('constant', 'left out', 'nothing can be learned from them', hopeless('constant'));
  withFault('at another scale', 'left out', 'scale them as they say', hopeless('scale'));
  withFault('channels cancel each other', 'left out', 'keep one channel', hopeless('cancellation'));
  withFault('channels nearly cancel each other', 'none', 'keep one channel', doubtful('cancellation'));
  withFault('beyond full scale', 'none', 'they are clipped; make them quieter', doubtful('overload'));
  add('texts without a recording', 'none', 'they are not read', named(textsAlone));
  if (clips.some(({ text }) => text !== undefined))
    add(
      'without a transcript',
      'none',
      'training needs none; takes of one text are told by it',
      named(all.filter(({ text }) => text === undefined).map(({ id }) => id)),
    );
  add(
    'the same audio',
    'none',
    'counts more than once; remove the copies',
    alike(clips, ({ audio }) => audio),
  );
  add(
    'takes of one text',
    'none',
    'they stay on one side of the split',
    alike(clips, ({ text }) => spokenText(text)),
  );
  add(
    'clipped',
    'none',
    'record them again with less gain, or leave them out',
    those(
      ({ clipped }) => clipped > 0,
      ({ clipped }) => `${clipped} samples`,
    ).sort((a, b) => parseInt(b.detail, 10) - parseInt(a.detail, 10)),
  );
  add(
    'peaks in the way of the level',
    'none',
    `at ${usualLevel} LUFS they would clip, so they get less gain than the level asks for`,
    those(
      ({ peak, loudness }) => peak !== null && loudness !== null && peak + usualLevel - loudness > 0,
      ({ peak, loudness }) => `${((peak ?? 0) + usualLevel - (loudness ?? 0)).toFixed(1)} dB too much`,
    ),
  );
  add(
    'offset',
    'none',
    'data.treatment.highPass removes it',
    those(
      ({ offset, seconds: length }) => Math.abs(offset) >= mostOffset && length >= leastForOffset,
      ({ offset }) => `${offset.toFixed(1)} steps`,
    ),
  );
  add(
    'silence at an end',
    'none',
    'cut it: the network would spend its time on it',
    those(
      ({ silence }) => Math.max(silence.before, silence.after) >= mostSilence,
      ({ silence }) => `${silence.before.toFixed(2)} s before, ${silence.after.toFixed(2)} s after`,
    ),
  );
  add(
    'mostly silence',
    'none',
    'cut the pauses',
    those(
      (clip) => clip.silence.all > mostSilentShare * clip.seconds,
      ({ silence, seconds: length }) => `${silence.all.toFixed(2)} of ${length.toFixed(2)} s`,
    ),
  );
  add(
    'another sample rate',
    'none',
    'they are resampled',
    unusual(clips, ({ sampleRate }) => sampleRate, 'Hz'),
  );
  add(
    'channels that differ',
    'none',
    'they are averaged, which can blur the voice; keep one',
    those(
      ({ sameChannels }) => !sameChannels,
      ({ channels }) => `${channels} channels`,
    ),
  );
  for (const { name, unit, digits, least, of } of expectations) {
    const values = clips.flatMap((clip) => {
      const value = of(clip);
      return value === null ? [] : [{ id: clip.id, value }];
    });
    add(
      `unusual ${name}`,
      'none',
      advice[name],
      outliers(values, least).map(({ id, value, median, z }) => ({
        id,
        detail: `${value.toFixed(digits)} ${unit}, the others ${median.toFixed(digits)} (robust z ${z.toFixed(1)})`,
      })),
    );
  }
  return findings;
}

/** Clips that share a key with an earlier one, which is named. */
function alike(clips: readonly CheckedClip[], keyOf: (clip: CheckedClip) => string): Finding['clips'] {
  const first = new Map<string, string>();
  return clips.flatMap((clip) => {
    const key = keyOf(clip);
    const other = first.get(key);
    if (other === undefined && key !== '') first.set(key, clip.id);
    return other === undefined ? [] : [{ id: clip.id, detail: `as ${other}` }];
  });
}

/** Clips whose value is not the most frequent one. */
function unusual(clips: readonly CheckedClip[], of: (clip: CheckedClip) => number, unit: string): Finding['clips'] {
  const counts = new Map<number, number>();
  for (const clip of clips) counts.set(of(clip), (counts.get(of(clip)) ?? 0) + 1);
  const usual = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
  return clips
    .filter((clip) => of(clip) !== usual)
    .map((clip) => ({ id: clip.id, detail: `${of(clip)} ${unit}, the others ${usual}` }));
}
