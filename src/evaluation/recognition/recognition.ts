import { TtsError } from '../../base/errors.js';
import type { Clip } from '../../data/corpora/corpus.js';
import type { MeanInterval } from '../comparison.js';
import type { Spoken } from '../system.js';
import type { Recogniser } from './recogniser.js';
import { type CountedWords, wordErrorRate, wordErrors, wordsOf } from './word_errors.js';

/** What was heard of one clip. */
export interface HeardClip extends CountedWords {
  readonly id: string;
  /** As the recogniser wrote it. */
  readonly heard: string;
}

/** What was heard of a system, or of the recordings. */
export interface HeardSystem {
  readonly name: string;
  readonly errors: number;
  /** Word error rate in percent; see `wordErrorRate`. */
  readonly rate: MeanInterval;
  /**
   * How much higher the rate is than on the recordings, in percentage points, clip by clip; null for the recordings.
   */
  readonly aboveRecordings: MeanInterval | null;
  /** The clips that have a transcript. */
  readonly clips: readonly HeardClip[];
}

/** What a recogniser makes of copies and recordings. */
export interface Recognition {
  readonly recogniser: string;
  /** Of the transcripts. */
  readonly words: number;
  readonly recordings: HeardSystem;
  readonly systems: readonly HeardSystem[];
}

/** Sends what systems speak, and the recordings, to a recogniser, while others are still spoken. */
export class RecognitionOf {
  private readonly said: Map<string, readonly string[]>;
  private readonly heard: Promise<{ system: number; id: string; text: string }>[] = [];
  private readonly without: number;
  private done = 0;

  /**
   * @param onHeard called after each recording and copy
   * @throws {TtsError} ERR_CORPUS when no clip has a transcript
   */
  constructor(
    private readonly recogniser: Recogniser,
    private readonly systems: readonly string[],
    clips: readonly Clip[],
    private readonly onHeard?: (done: number, all: number) => void,
  ) {
    const said = clips.map(({ id, text = '' }) => [id, wordsOf(text)] as const);
    this.said = new Map(said.filter(([, words]) => words.length > 0));
    this.without = clips.length - this.said.size;
    if (this.said.size === 0)
      throw new TtsError(
        'ERR_CORPUS',
        `none of the ${clips.length} clips has a transcript, which word errors need; expected metadata.csv with lines ` +
          '"id|transcript" beside the recordings, or CLIP.txt beside CLIP.wav',
      );
  }

  /** A clip as one of the systems speaks it; the first system's original is the recording. */
  add(
    system: number,
    { id }: Clip,
    { original, output, sampleRate }: Pick<Spoken, 'original' | 'output' | 'sampleRate'>,
  ): void {
    if (!this.said.has(id)) return;
    if (system === 0) this.send(-1, id, original, sampleRate);
    this.send(system, id, output, sampleRate);
  }

  /** A clip that no system is counted with. */
  leaveOut({ id }: Clip): void {
    this.said.delete(id);
  }

  private send(system: number, id: string, samples: Float32Array, sampleRate: number): void {
    const heard = this.recogniser.hear(samples, sampleRate).then((text) => {
      this.onHeard?.(++this.done, this.said.size * (this.systems.length + 1));
      return { system, id, text };
    });
    // It is waited for in `result`; until then a failure is no unhandled one.
    heard.catch(() => undefined);
    this.heard.push(heard);
  }

  /** What was left out, in sentences for the report. */
  notes(): string[] {
    return this.without === 0
      ? []
      : [`${this.without} of the clips have no transcript: their words are not among those that were counted`];
  }

  /** Waits for what is still to be heard. */
  async result(): Promise<Recognition> {
    const heard = await Promise.all(this.heard);
    const clipsOf = (system: number): HeardClip[] =>
      heard
        .filter((one) => one.system === system)
        .map(({ id, text }) => {
          const said = this.said.get(id) as readonly string[];
          return { id, words: said.length, errors: wordErrors(said, wordsOf(text)), heard: text };
        });
    const recorded = clipsOf(-1);
    const of = (name: string, clips: readonly HeardClip[]) => ({
      name,
      errors: clips.reduce((sum, { errors }) => sum + errors, 0),
      rate: wordErrorRate(clips),
      clips,
    });
    return {
      recogniser: this.recogniser.name,
      words: recorded.reduce((sum, { words }) => sum + words, 0),
      recordings: { ...of('recordings', recorded), aboveRecordings: null },
      systems: this.systems.map((name, i) => {
        const clips = clipsOf(i);
        const more = clips.map(({ words, errors }, at) => ({ words, errors: errors - recorded[at].errors }));
        return { ...of(name, clips), aboveRecordings: wordErrorRate(more) };
      }),
    };
  }
}
