import { SIDE_BY_SIDE } from '../kernels/index.js';
import { voiceNetwork } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import type { SynthesisFeatures } from './frame_source.js';
import { samplerSettings, type SpeakingOptions } from './speak.js';
import { type Chunk, chunkFrames, Utterance } from './utterance.js';

/** Some sound of one of many utterances. */
export interface SoundOfMany {
  /** Position of the utterance among all, from 0. */
  readonly index: number;
  readonly pcm: Int16Array;
  readonly last: boolean;
}

/** What a slot is to draw in a round. */
interface Part {
  readonly slot: number;
  readonly index: number;
  readonly utterance: Utterance;
  readonly chunk: Chunk;
}

/**
 * Speaks many utterances at once, on all threads of the kernels: they share the passes over the weights, and each
 * sounds as it does when `speak` says it alone with the same seed. Yields chunks of 16-bit PCM, those of an utterance
 * in order, the utterances mixed. Features are asked for when a slot becomes free.
 * @throws {TtsError} what `speak` throws; an error in one utterance ends all
 */
export async function* speakMany(
  voice: Voice,
  all: Iterable<SynthesisFeatures> | AsyncIterable<SynthesisFeatures>,
  options: SpeakingOptions,
): AsyncGenerator<SoundOfMany, void, void> {
  const { kernels, tf } = options;
  const slots = SIDE_BY_SIDE * kernels.threads;
  const settings = samplerSettings(voice, options);
  const { hop } = voice.features;
  const waiting = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  const group = kernels.createSamplerGroup(voiceNetwork(voice), slots);
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const speaking = Array<{ readonly index: number; readonly utterance: Utterance } | undefined>(slots).fill(undefined);
  let started = 0;

  const follow = async (slot: number): Promise<Part | undefined> => {
    for (;;) {
      const now = speaking[slot];
      const chunk = await now?.utterance.prepare(chunkFrames);
      if (now && chunk) return { slot, ...now, chunk };
      const { done, value } = await waiting.next();
      speaking[slot] = undefined;
      if (done) return undefined;
      speaking[slot] = { index: started++, utterance: new Utterance(voice, conditioner, value) };
    }
  };
  const prepare = async (): Promise<Part[]> => {
    const parts: Part[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const part = await follow(slot);
      if (part) parts.push(part);
    }
    return parts;
  };
  const draw = (parts: readonly Part[]): Promise<Uint16Array[]> => {
    for (const { slot, chunk } of parts) if (chunk.first) group.begin(slot, settings);
    const drawn = group.run(
      parts.map(({ slot, chunk }) => ({ slot, gate: chunk.gate, frames: chunk.frames })),
      hop,
    );
    // Should the consumer leave, nobody will ask how this one went.
    drawn.catch(() => undefined);
    return drawn;
  };

  try {
    let parts = await prepare();
    let drawn = draw(parts);
    while (parts.length > 0) {
      const next = await prepare();
      const codes = await drawn;
      drawn = draw(next);
      for (const [i, { index, utterance, chunk }] of parts.entries())
        yield { index, pcm: utterance.sound(chunk, codes[i]), last: chunk.last };
      parts = next;
    }
  } finally {
    conditioner.dispose();
    for (const now of speaking) now?.utterance.close();
    await waiting.return?.();
  }
}
