import { featuresOfRecording } from '../data/features/of_recording.js';
import { answering, decodeFiles, encodeAnswer } from './answers.js';
import { featuresSpecSchema } from './features.js';
import { type JobData, readJson } from './protocol.js';
import type { Workshop } from './thread_messages.js';

/** Computes the features of a recording. @throws {TtsError} ERR_CLUSTER */
export async function doFeatures({ spec, input }: JobData<'features'>, { blob }: Workshop): Promise<Uint8Array> {
  const { settings } = readJson(featuresSpecSchema, await blob(spec), 'how features are to be computed');
  const [recording] = decodeFiles(await blob(input), 1);
  return answering(async () => {
    const { data, frames, seconds, notes } = await featuresOfRecording(recording, settings);
    return encodeAnswer({ frames, seconds, notes }, { features: data });
  });
}
