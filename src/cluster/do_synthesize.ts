import { TtsError } from '../base/errors.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { decodeVoice } from '../model/voice/encoding.js';
import type { Voice } from '../model/voice/voice.js';
import { synthesize } from '../synthesis/synthesize.js';
import { answering, arrayIn, decodeInput, encodeAnswer } from './answers.js';
import { type JobData, readJson } from './protocol.js';
import { synthesisSpecSchema } from './speech.js';
import type { Workshop } from './thread_messages.js';

/** The voice and the kernels that spoke last. */
let last: { readonly key: string; readonly voice: Voice; readonly kernels: Kernels } | undefined;

/**
 * Speaks features.
 * @throws {TtsError} ERR_KERNELS where this machine lacks the kernels; ERR_CLUSTER for what are no features
 */
export async function doSynthesize(
  { spec, input }: JobData<'synthesize'>,
  { blob, threads }: Workshop,
): Promise<Uint8Array> {
  const found = readJson(synthesisSpecSchema, await blob(spec), 'how features are to be spoken');
  const { voice: hash, kernels: name, ...how } = found;
  const key = `${hash} ${name}`;
  if (last?.key !== key)
    last = { key, voice: decodeVoice(await blob(hash)), kernels: chooseKernels({ name, threads }) };
  const { voice, kernels } = last;
  const data = arrayIn(decodeInput(await blob(input)), 'features', Float32Array);
  const frames = data.length / voice.features.bins;
  if (!Number.isInteger(frames) || frames < 1)
    throw new TtsError(
      'ERR_CLUSTER',
      `the features have ${data.length} numbers, expected frames of ${voice.features.bins}`,
    );
  return answering(async () => {
    const pcm = new Int16Array(frames * voice.features.hop);
    let at = 0;
    for await (const chunk of synthesize(voice, { data, frames }, { ...how, kernels })) {
      pcm.set(chunk, at);
      at += chunk.length;
    }
    return encodeAnswer({ notes: [] }, { pcm });
  });
}
