import { type SamplerGroup, type SamplerSettings, SIDE_BY_SIDE } from '../kernels/interface/kernels.js';
import { voiceNetwork } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import type { SymbolCodec } from '../model/wavernn/codec.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import { vectorsPerFrame } from '../model/wavernn/config.js';
import { checkSignal, unlessAborted } from './abort.js';
import { type CoreOptions, type DrawingOptions, firstChunk, samplerSettings } from './core.js';
import type { SynthesisFeatures } from './frame_source.js';
import { Places } from './places.js';
import { type Chunk, chunkFrames, Utterance } from './utterance.js';

/** Chunks that are drawn before their consumer asks: none waits for the other, and nothing grows. */
const ahead = 2;

/** An utterance in a slot of the group. */
interface Stream {
  readonly slot: number;
  readonly settings: SamplerSettings;
  readonly utterance: Utterance;
  /** What is to be drawn next. */
  prepared?: Chunk;
  drawing: boolean;
  readonly drawn: { readonly chunk: Chunk; readonly codes: Uint16Array }[];
  ended: boolean;
  failure?: { readonly error: unknown };
  /** Tells the consumer that something has changed. */
  wake?: () => void;
}

/**
 * A voice that speaks for many callers at once. Each has a stream of its own, begins and leaves when it likes and reads
 * as fast as it likes; what is to be drawn at a moment shares the passes over the weights. What a caller gets does not
 * depend on the others: it is what `synthesize` makes with the same seed, to the bit.
 */
export class SharedVocoder {
  private readonly hop: number;
  private readonly codec: SymbolCodec;
  private readonly conditioner: GateConditioner;
  private readonly group: SamplerGroup;
  private readonly atOnce: number;
  private readonly free: number[];
  private readonly places: Places;
  /** In the order of their turns. */
  private readonly streams = new Set<Stream>();
  private working = false;

  /** @param slots streams that are there at once; further callers wait for one to end */
  constructor(
    private readonly voice: Voice,
    { kernels, tf }: Pick<CoreOptions, 'kernels' | 'tf'>,
    slots: number = 4 * SIDE_BY_SIDE * kernels.threads,
  ) {
    this.hop = voice.features.hop / vectorsPerFrame(voice.config);
    this.codec = symbolCodec(voice.config, voice.features);
    this.conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
    this.group = kernels.createSamplerGroup(voiceNetwork(voice), slots);
    this.atOnce = SIDE_BY_SIDE * kernels.threads;
    this.places = new Places(slots);
    this.free = Array.from({ length: slots }, (_, i) => slots - 1 - i);
  }

  /** As `synthesize` of ./core.ts. The first call of `next` takes a slot, the end or a `return` gives it back. */
  async *synthesize(
    features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
    options: DrawingOptions = {},
  ): AsyncGenerator<Int16Array, void, void> {
    const { signal } = options;
    checkSignal(signal);
    const settings = samplerSettings(this.codec, options);
    const { voice, conditioner, codec } = this;
    // Without an end of the line, a place is had sooner or later.
    const leave = (await this.places.take(signal))!;
    const slot = this.free.pop()!;
    const utterance = new Utterance(voice, conditioner, codec, features, options.correction ?? true);
    const stream: Stream = { slot, settings, utterance, drawing: false, drawn: [], ended: false };
    this.streams.add(stream);
    void this.prepare(stream, firstChunk);
    try {
      for (;;) {
        checkSignal(signal);
        const next = stream.drawn.shift();
        if (next) {
          void this.work();
          const pcm = utterance.decode(next.chunk, next.codes);
          // The first samples may still wait for the end of their windows.
          if (pcm.length > 0) yield pcm;
        } else if (stream.failure) throw stream.failure.error;
        else if (stream.ended && !stream.drawing) return;
        else await unlessAborted(signal, new Promise<void>((resolve) => (stream.wake = resolve)));
      }
    } finally {
      this.streams.delete(stream);
      utterance.close();
      this.free.push(slot);
      leave();
    }
  }

  private async prepare(stream: Stream, most: number): Promise<void> {
    try {
      stream.prepared = await stream.utterance.prepare(most);
      if (stream.prepared === undefined) stream.ended = true;
    } catch (error) {
      stream.failure = { error };
    }
    if (stream.prepared === undefined) stream.wake?.();
    else await this.work();
  }

  /** Draws for all who are ready, as long as there are any. */
  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (let streams = this.ready(); streams.length > 0; streams = this.ready()) await this.draw(streams);
    } finally {
      this.working = false;
    }
  }

  private ready(): Stream[] {
    return [...this.streams]
      .filter(({ prepared, drawn }) => prepared !== undefined && drawn.length < ahead)
      .slice(0, this.atOnce);
  }

  private async draw(streams: readonly Stream[]): Promise<void> {
    const parts = streams.map((stream) => ({ stream, chunk: stream.prepared! }));
    try {
      for (const { stream, chunk } of parts) {
        stream.prepared = undefined;
        stream.drawing = true;
        // To the end of the line.
        if (this.streams.delete(stream)) this.streams.add(stream);
        if (chunk.first) this.group.begin(stream.slot, stream.settings);
      }
      const drawing = this.group.run(
        parts.map(({ stream, chunk: { gate, frames, predictors } }) => ({
          slot: stream.slot,
          gate,
          frames,
          predictors,
        })),
        this.hop,
      );
      // Meanwhile.
      for (const stream of streams) void this.prepare(stream, chunkFrames);
      const codes = await drawing;
      parts.forEach(({ stream, chunk }, i) => stream.drawn.push({ chunk, codes: codes[i] }));
    } catch (error) {
      for (const stream of streams) stream.failure = { error };
    }
    for (const stream of streams) {
      stream.drawing = false;
      stream.wake?.();
    }
  }
}
