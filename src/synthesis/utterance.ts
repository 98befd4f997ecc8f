import { toInt16 } from '../audio/audio.js';
import { Limiter } from '../audio/limiter.js';
import { MelCorrection } from '../audio/mel_correction.js';
import type { FramePredictors } from '../kernels/interface/listener.js';
import type { Voice } from '../model/voice/voice.js';
import type { SymbolCodec } from '../model/wavernn/codec.js';
import type { GateConditioner } from '../model/wavernn/conditioner.js';
import { contextFrames } from '../model/wavernn/conditioning.js';
import { vectorsPerFrame } from '../model/wavernn/config.js';
import { FrameSource, type SynthesisFeatures } from './frame_source.js';

/** Frames of a chunk, except the first one of a single stream: enough for little overhead. */
export const chunkFrames = 32;

/** The sampler starts from nothing and ends in the middle: both ends are faded over this many seconds. */
const fadeSeconds = 0.005;

/** Frames of an utterance, ready to be drawn. */
export interface Chunk {
  /** To the sampler, each gate conditioning is a frame. */
  readonly frames: number;
  /** [frames, 3H]: gate conditioning. */
  readonly gate: Float32Array;
  /** Predictors of the frames, if the network hears cues. */
  readonly predictors?: FramePredictors;
  /** [frames of features, bins]. */
  readonly features: Float32Array;
  readonly first: boolean;
  readonly last: boolean;
}

/** An utterance on its way from features to sound, chunk by chunk; its symbols are drawn elsewhere. */
export class Utterance {
  private readonly source: FrameSource;
  private readonly context: number;
  private readonly vectors: number;
  private readonly samplesOf: ReturnType<SymbolCodec['decoder']>;
  private readonly fade: number;
  /** Samples of the beginning that are still to be faded in. */
  private silent = 0;
  private readonly correction: MelCorrection | undefined;
  private readonly limiter: Limiter;
  /** The frame that comes next. */
  private next = 0;

  constructor(
    voice: Voice,
    private readonly conditioner: GateConditioner,
    private readonly codec: SymbolCodec,
    features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
    correction: boolean,
  ) {
    const { hop, sampleRate } = voice.features;
    this.context = contextFrames(voice.config);
    this.vectors = vectorsPerFrame(voice.config);
    this.source = new FrameSource(features, voice.statistics.mean.length, this.context);
    this.samplesOf = codec.decoder();
    this.correction = correction ? new MelCorrection(voice.features, voice.upper) : undefined;
    this.limiter = new Limiter(sampleRate);
    this.fade = Math.min(Math.round(fadeSeconds * sampleRate), hop >> 1);
  }

  /**
   * The next frames, at most `most`, as soon as those of their context are there; undefined at the end. Throws
   * ERR_FEATURE_SHAPE for features that are not [frames, bins].
   */
  async prepare(most: number): Promise<Chunk | undefined> {
    const { source, context, next } = this;
    const frames = await source.ready(next, most);
    if (frames === 0) return undefined;
    this.next += frames;
    const gate = this.conditioner.gate(source.window(next - context, frames + 2 * context), frames);
    const features = source.window(next, frames);
    return {
      frames: frames * this.vectors,
      gate,
      predictors: this.codec.predictors?.(features),
      features,
      first: next === 0,
      last: source.isLast(next + frames - 1),
    };
  }

  /**
   * 16-bit PCM from the symbols of a chunk. Chunks come in order. The last samples of a chunk come with the next one.
   */
  decode({ features, first, last }: Chunk, codes: Uint16Array): Int16Array {
    const samples = this.samplesOf(codes, features);
    const corrected = this.correction?.push(samples, features, last) ?? samples;
    const pcm = toInt16(this.limiter.push(corrected, last));
    if (first) this.silent = this.fade;
    // The first samples may come with a later chunk.
    for (let i = 0; i < pcm.length && this.silent > 0; i++, this.silent--)
      pcm[i] = Math.round((pcm[i] * (this.fade - this.silent)) / this.fade);
    if (last) fadeIn(pcm.reverse(), this.fade).reverse();
    return pcm;
  }

  /** No more of it is wanted. */
  close(): void {
    this.source.close();
  }
}

/** Lets the first `length` samples rise from silence. */
function fadeIn(pcm: Int16Array, length: number): Int16Array {
  for (let i = 0; i < length; i++) pcm[i] = Math.round((pcm[i] * i) / length);
  return pcm;
}
