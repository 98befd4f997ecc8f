import { TtsError } from '../../base/errors.js';
import type { Pronouncer } from '../../text/lexicon/pronouncer.js';
import type { Clip } from '../corpora/corpus.js';
import { shareOut } from '../store/workers.js';
import { type AlignedToken, alignmentOfTextGrid, type ClipAlignment } from './clip_alignment.js';
import { type ClipFeatures, normaliseFeatures } from './features.js';
import { layOut } from './graph.js';
import { anyPhones, misfits } from './misfits.js';
import type { LeftOut } from './read.js';
import { readTextGrid } from './textgrid.js';
import { type AlignerClip, type AlignerModel, search, stretchesOf, trainAligner } from './train.js';
import { boundaryToken, phoneToken, type Transcript, transcriptOf } from './transcript.js';
import type { FeatureResult, FeatureWork } from './worker.js';

export interface AlignOptions {
  readonly pronouncer: Pronouncer;
  /** Where the TextGrid of a clip is that takes the place of an alignment of our own; undefined where there is none. */
  readonly textGridOf?: (clip: Clip) => string | undefined;
  /** For reading recordings; the result does not depend on it. */
  readonly threads?: number;
  readonly onRecording?: (done: number, total: number) => void;
  readonly onRound?: (done: number, total: number) => void;
}

/** What became of the clips, in their order. */
export interface CorpusAlignment {
  readonly alignments: readonly ClipAlignment[];
  readonly leftOut: readonly LeftOut[];
}

/** From one frame to the next, in seconds. */
export const alignmentHop = 0.01;
/** Longer recordings want too much memory, and their pauses are better places to begin at. */
const longest = 120;

/**
 * Aligns the recordings of a corpus with their transcripts, all by one model that is learned from them alone. Clips that
 * cannot be aligned, or whose transcript is not what is said in them, are left out and named. The same clips give the
 * same alignments.
 *
 * @throws TtsError ERR_CORPUS if no clip has a transcript, or none could be aligned
 */
export async function alignCorpus(clips: readonly Clip[], options: AlignOptions): Promise<CorpusAlignment> {
  const { pronouncer, textGridOf = () => undefined, threads = 1, onRecording, onRound } = options;
  const done = new Map<Clip, ClipAlignment>();
  const why = new Map<Clip, string>();
  const wanted: Clip[] = [];
  const transcripts = new Map<Clip, Transcript>();
  for (const clip of clips) {
    const transcript = clip.text === undefined ? undefined : await transcriptOf(clip.text, pronouncer);
    if (transcript === undefined) why.set(clip, 'it has no transcript');
    else if (transcript.words.length === 0) why.set(clip, 'its transcript has no words');
    else {
      transcripts.set(clip, transcript);
      const path = textGridOf(clip);
      if (path !== undefined)
        try {
          const grid = await readTextGrid(path);
          const alignment = alignmentOfTextGrid(grid, transcript, { id: clip.id, name: path });
          // Words that its aligner did not know are better heard than guessed.
          if (alignment.guessed.length === 0) done.set(clip, alignment);
        } catch (error) {
          if (!(error instanceof TtsError)) throw error;
          why.set(clip, error.message);
        }
      if (!done.has(clip) && !why.has(clip)) wanted.push(clip);
    }
  }
  if (transcripts.size === 0)
    throw new TtsError(
      'ERR_CORPUS',
      `none of ${clips.length} clips has a transcript with words; expected them in metadata.csv, or as clip.txt beside clip.wav`,
    );
  if (wanted.length > 0) {
    // All clips with transcripts teach the model, also those that have a TextGrid.
    const heard = await listen([...transcripts.keys()], { threads, onRecording }, why);
    const teachers: [Clip, AlignerClip][] = [...heard].map(([clip, features]) => [
      clip,
      { features, transcript: transcripts.get(clip)! },
    ]);
    const readers = [...new Set(teachers.map(([{ corpus }]) => corpus))];
    const models = trainAligner(
      readers.map((reader) => teachers.flatMap(([{ corpus }, material]) => (corpus === reader ? [material] : []))),
      onRound,
    );
    const asked = new Set(wanted);
    for (const [i, reader] of readers.entries()) {
      const found = teachers.flatMap(([clip, material]) => {
        if (clip.corpus !== reader || !asked.has(clip)) return [];
        const aligned = alignClip(material, models[i]);
        if (typeof aligned === 'string') why.set(clip, aligned);
        return typeof aligned === 'string' ? [] : [{ clip, seconds: material.features.seconds, ...aligned }];
      });
      const strange = misfits(found.map(({ excess }) => excess));
      for (const [j, { clip, seconds, tokens }] of found.entries()) {
        const words = transcripts.get(clip)!.words.map(({ spoken }) => spoken);
        if (strange[j]) why.set(clip, 'its transcript is not what is said');
        else done.set(clip, { id: clip.id, seconds, words, tokens, guessed: [], source: 'aligned' });
      }
    }
  }
  const alignments = clips.flatMap((clip) => done.get(clip) ?? []);
  const leftOut = clips.flatMap((clip) =>
    done.has(clip) ? [] : [{ id: clip.id, why: why.get(clip) ?? 'it could not be aligned' }],
  );
  if (alignments.length === 0)
    throw new TtsError(
      'ERR_CORPUS',
      `none of ${clips.length} clips could be aligned; of the first, ${leftOut[0].id}: ${leftOut[0].why}`,
    );
  return { alignments, leftOut };
}

/** The features of clips that can be read, normalised by corpus. */
async function listen(
  clips: readonly Clip[],
  { threads, onRecording }: { threads: number; onRecording?: (done: number, total: number) => void },
  why: Map<Clip, string>,
): Promise<Map<Clip, ClipFeatures>> {
  const results: FeatureResult[] = [];
  let read = 0;
  onRecording?.(0, clips.length);
  await shareOut<FeatureResult>(clips, [...clips.keys()], {
    worker: new URL('./worker.js', import.meta.url),
    data: { hop: alignmentHop, longest } satisfies FeatureWork,
    threads,
    onResult: (index, result) => void (results[index] = result),
    onDone: () => onRecording?.(++read, clips.length),
  });
  const heard = new Map<Clip, ClipFeatures>();
  for (const [i, clip] of clips.entries()) {
    const result = results[i];
    if ('features' in result) heard.set(clip, result.features);
    else if (!why.has(clip)) why.set(clip, result.fault);
  }
  for (const corpus of new Set(clips.map((clip) => clip.corpus)))
    normaliseFeatures([...heard].flatMap(([clip, features]) => (clip.corpus === corpus ? [features] : [])));
  return heard;
}

/** A clip's tokens with their times, and how well they fit (see `misfits`); or why there are none. */
function alignClip(
  { features, transcript }: AlignerClip,
  model: AlignerModel,
): { tokens: AlignedToken[]; excess: number } | string {
  const { mixtures, chances } = model;
  const graph = layOut(transcript, chances);
  const { frames, hopSeconds, seconds } = features;
  if (frames < graph.least)
    return `it lasts ${seconds.toFixed(2)} s, expected ${(graph.least * hopSeconds).toFixed(2)} s at least for its phones`;
  const path = search(graph, mixtures, features);
  if (path === undefined) return 'its transcript does not fit what is said';
  // Between two frames, in the middle.
  const time = (frame: number) =>
    frame === 0 ? 0 : frame >= frames ? seconds : Math.min(seconds, (frame - 0.5) * hopSeconds);
  const tokens: AlignedToken[] = [];
  const stretches = stretchesOf(graph, path.nodes);
  let next = 0;
  for (let word = 0; word <= transcript.words.length; word++) {
    const start = next < stretches.length ? time(stretches[next].start) : seconds;
    const silent = stretches[next]?.variant === -1 && stretches[next].word === word;
    const end = silent ? time(stretches[next++].end) : start;
    tokens.push({ ...boundaryToken(transcript.boundaries[word], word), start, end });
    for (; stretches[next]?.word === word && stretches[next].variant >= 0; next++) {
      const { variant, position, start: from, end: to } = stretches[next];
      const phone = transcript.words[word].variants[variant][position];
      tokens.push({ ...phoneToken(phone, word), start: time(from), end: time(to) });
    }
  }
  const spoken = stretches.reduce((sum, { variant, start, end }) => sum + (variant < 0 ? 0 : end - start), 0);
  return { tokens, excess: (anyPhones(mixtures, features) - path.score) / spoken };
}
