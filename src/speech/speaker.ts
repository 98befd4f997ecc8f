import { TtsError } from '../base/errors.js';
import { limits, within } from '../base/limits.js';
import type { Kernels } from '../kernels/interface/kernels.js';
import type { AcousticModel } from '../model/acoustic/model.js';
import { checkVoiceFits, MelPredictor } from '../model/acoustic/predict.js';
import type { TensorFlow } from '../model/backend/fast_kernel.js';
import type { Voice } from '../model/voice/voice.js';
import { checkSignal, unlessAborted } from '../synthesis/abort.js';
import type { DrawingOptions } from '../synthesis/core.js';
import { SharedVocoder } from '../synthesis/shared_vocoder.js';
import type { Pronouncer } from '../text/lexicon/pronouncer.js';
import { type PhoneSentence, phonesOf } from '../text/phones_of.js';
import { type Token, tokensOf } from '../text/tokens.js';
import { cutSentence } from './cut.js';
import type { MelSource, SpokenMel } from './mel_source.js';
import { pauseBetween, type TimedWord, timeWords } from './timing.js';

// The way from text to sound. Nothing here needs Node; ./open.ts finds and reads what it needs on a disk.

/** What a speaker is made of. */
export interface SpeakerParts {
  readonly acoustic: AcousticModel | MelSource;
  readonly voice: Voice;
  readonly pronouncer: Pronouncer;
  readonly kernels: Kernels;
  /** For the vocoder's network at frame rate; `registerFastKernels` makes it fast. */
  readonly tf: TensorFlow;
  /** What messages call the model and the voice. */
  readonly names?: { readonly acoustic: string; readonly voice: string };
  /** Speeches at once; more wait for one to end. Default: 16 for each thread. */
  readonly slots?: number;
}

/** How a text is spoken. */
export interface SpeakingOptions extends DrawingOptions {
  /** Times as fast, 0.1 to 10; 1 as the reader reads. */
  readonly speed?: number;
  /** Times as high, 0.1 to 10; 1 as the reader reads. */
  readonly pitch?: number;
}

/** A sentence that is spoken, or a part of one that is too long to be spoken in one go. */
export interface SpeechSentence {
  /** From 0. */
  readonly index: number;
  /** How it is said: its words and their phones, notes, its place in the text. */
  readonly said: PhoneSentence;
  /** When its sound begins and ends, in seconds from the beginning of the speech; pauses before it do not count. */
  readonly start: number;
  readonly end: number;
}

/** Some sound. */
export interface SpeechPiece {
  /** 16-bit samples at the voice's rate; none for a sentence that has nothing to speak. */
  readonly pcm: Int16Array;
  readonly sentence: SpeechSentence;
  /** The words that begin in it. Those of all pieces together are all words, each once. */
  readonly words: readonly TimedWord[];
  /** Whether it is the last one of the sentence. */
  readonly last: boolean;
}

/** A text, or one that comes in pieces; how it is cut makes no difference. */
export type SpokenText = string | AsyncIterable<string> | Iterable<string>;

interface Prepared {
  readonly said: PhoneSentence;
  readonly tokens: readonly Token[];
  readonly mel: SpokenMel;
}

/** Speaks texts, any number of them at once: they share the model, the voice, and the passes over the voice's weights. */
export class Speaker {
  /** Of the speech, in Hz. */
  readonly sampleRate: number;
  private readonly source: Pick<MelSource, 'predict'>;
  private readonly vocoder: SharedVocoder;
  private readonly hop: number;
  private readonly pronouncer: Pronouncer;

  /** @throws {TtsError} ERR_VOICE_MISMATCH for a voice that expects other mels than the acoustic model makes */
  constructor({ acoustic, voice, pronouncer, kernels, tf, names, slots }: SpeakerParts) {
    checkVoiceFits(acoustic, voice, {
      model: names?.acoustic ?? 'the acoustic model',
      voice: names?.voice ?? 'given',
    });
    this.pronouncer = pronouncer;
    this.source = 'predict' in acoustic ? acoustic : new MelPredictor(acoustic, kernels);
    this.vocoder = new SharedVocoder(voice, { kernels, tf }, slots);
    ({ sampleRate: this.sampleRate, hop: this.hop } = voice.features);
  }

  /**
   * Speaks a text, sentence by sentence, while it is still coming: an async iterator of pieces of sound, in order. The
   * same text and options give the same samples, however the text is cut into pieces, and whoever else is speaking.
   * What is asked for is at most a second and a sentence ahead of what was taken. Whatever a text holds, it gives speech
   * or notes (`sentence.said.notes`).
   * @throws {TtsError} ERR_ARGUMENT for a seed, temperature, speed or pitch out of range, or what is no text;
   * ERR_NOT_FINITE for a model or a voice of absurd values; what the iterator of the text throws
   * @throws {AbortError} when the signal says stop
   */
  async *speak(text: SpokenText, options: SpeakingOptions = {}): AsyncGenerator<SpeechPiece, void, void> {
    const { signal, speed = 1, pitch = 1, seed, temperature, correction } = options;
    checkSignal(signal);
    checkText(text);
    checkFactors({ speed, pitch });
    const { hop, sampleRate } = this;
    const sentences = this.sentences(text);
    const prepare = async (): Promise<Prepared | undefined> => {
      const { done, value: said } = await sentences.next();
      if (done) return undefined;
      const tokens = tokensOf(said, { openEnding: 'statement' });
      return { said, tokens, mel: await this.source.predict(tokens, { speed, pitch }) };
    };
    let samples = 0;
    let before: Prepared | undefined;
    try {
      let upcoming = prepare();
      for (let index = 0; ; index++) {
        const now = await unlessAborted(signal, upcoming);
        if (now === undefined) return;
        const { said, tokens, mel } = now;
        const follow = () => {
          upcoming = prepare();
          // If the consumer leaves, nothing awaits it.
          upcoming.catch(() => undefined);
        };
        if (mel.frames === 0) {
          const time = samples / sampleRate;
          yield { pcm: new Int16Array(0), sentence: { index, said, start: time, end: time }, words: [], last: true };
          follow();
          continue;
        }
        const pause = before === undefined ? 0 : this.pauseSamples(before, now, speed);
        const start = (samples + pause) / sampleRate;
        const words = timeWords(said, tokens, mel.starts, start, hop / sampleRate);
        const sentence: SpeechSentence = { index, said, start, end: start + (mel.frames * hop) / sampleRate };
        if (pause > 0) yield { pcm: new Int16Array(pause), sentence, words: [], last: false };
        samples += pause;
        const end = samples + mel.frames * hop;
        let next = 0;
        const features = { data: mel.data, frames: mel.frames };
        for await (const pcm of this.vocoder.synthesize(features, { seed, temperature, correction, signal })) {
          const first = samples === end - mel.frames * hop;
          samples += pcm.length;
          const last = samples === end;
          const from = next;
          while (next < words.length && (last || words[next].start < samples / sampleRate)) next++;
          yield { pcm, sentence, words: words.slice(from, next), last };
          // While this sentence is drawn, the next one is prepared.
          if (first) follow();
        }
        before = now;
      }
    } finally {
      // A text that is still coming would answer only after its next piece.
      Promise.resolve(sentences.return(undefined)).catch(() => undefined);
    }
  }

  private async *sentences(text: SpokenText): AsyncGenerator<PhoneSentence, undefined, void> {
    for await (const sentence of phonesOf(text, { pronouncer: this.pronouncer })) yield* cutSentence(sentence);
    return undefined;
  }

  /** Samples of silence between two sentences, beside what they have themselves. */
  private pauseSamples(before: Prepared, now: Prepared, speed: number): number {
    const { hop, sampleRate } = this;
    const { starts } = before.mel;
    const own = (starts[starts.length - 1] - starts[starts.length - 2] + now.mel.starts[1]) * hop;
    return Math.max(0, Math.round((pauseBetween(before.said, now.said) / speed) * sampleRate) - own);
  }
}

function checkText(text: unknown): void {
  if (typeof text === 'string') return;
  if (typeof text === 'object' && text !== null && (Symbol.asyncIterator in text || Symbol.iterator in text)) return;
  throw new TtsError(
    'ERR_ARGUMENT',
    `the text is ${text === null ? 'null' : `of type ${typeof text}`}, expected a string or an iterable of strings`,
  );
}

function checkFactors(factors: Readonly<Record<string, number>>): void {
  const { least, most } = limits.factor;
  for (const [name, factor] of Object.entries(factors))
    if (typeof factor !== 'number' || !within(factor, limits.factor))
      throw new TtsError('ERR_ARGUMENT', `${name} is ${String(factor)}, expected a number from ${least} to ${most}`);
}
