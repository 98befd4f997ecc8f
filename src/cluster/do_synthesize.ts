import { TtsError } from '../base/errors.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { decodeVoice } from '../model/voice/encoding.js';
import type { Voice } from '../model/voice/voice.js';
import { synthesize } from '../synthesis/synthesize.js';
import { type JobData, readJson } from './protocol.js';
import { speechSpecSchema } from './speech.js';
import type { Workshop } from './thread_messages.js';

/** The voice and the kernels that spoke last. */
let last: { readonly key: string; readonly voice: Voice; readonly kernels: Kernels } | undefined;

/**
 * Speaks features.
 * @returns int16 samples
 * @throws {TtsError} ERR_KERNELS where this machine lacks the kernels; what `decodeVoice` and `synthesize` throw
 */
export async function doSynthesize(
  { spec, input }: JobData<'synthesize'>,
  { blob, threads }: Workshop,
): Promise<Uint8Array> {
  const { voice: hash, kernels: name, ...how } = readJson(speechSpecSchema, await blob(spec), 'how it is to be spoken');
  const key = `${hash} ${name}`;
  if (last?.key !== key)
    last = { key, voice: decodeVoice(await blob(hash)), kernels: chooseKernels({ name, threads }) };
  const { voice, kernels } = last;
  const bytes = await blob(input);
  const frames = bytes.length / (4 * voice.features.bins);
  if (!Number.isInteger(frames) || frames < 1)
    throw new TtsError(
      'ERR_CLUSTER',
      `the features have ${bytes.length} bytes, expected frames of ${voice.features.bins} numbers`,
    );
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const chunks: Uint8Array[] = [];
  for await (const pcm of synthesize(voice, { data, frames }, { ...how, kernels }))
    chunks.push(new Uint8Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength)));
  return new Uint8Array(Buffer.concat(chunks));
}
