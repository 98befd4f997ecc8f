import type { z } from 'zod';
import { TtsError } from '../base/errors.js';
import { nameOf } from '../base/whole_file.js';
import { measureCopy } from '../evaluation/evaluate.js';
import { besideOriginal } from '../evaluation/folder_systems.js';
import { voiceCopier } from '../evaluation/voice_system.js';
import { chooseKernels } from '../kernels/index.js';
import { decodeVoice } from '../model/voice/encoding.js';
import { answering, decodeFiles, encodeAnswer } from './answers.js';
import { evaluationSpecSchema, type measuredSchema } from './evaluation.js';
import { type JobData, readJson } from './protocol.js';
import type { Workshop } from './thread_messages.js';

/** How the voices of the last evaluation copy, by their hashes. */
let last: { readonly spec: string; readonly copiers: Map<string, Awaited<ReturnType<typeof voiceCopier>>> } | undefined;

/**
 * Speaks a clip as a system does, and measures it.
 * @throws {TtsError} ERR_KERNELS where this machine lacks the kernels; ERR_CLUSTER for a system that there is not
 */
export async function doEvaluate(
  { spec, input, system }: JobData<'evaluate'>,
  { blob, threads }: Workshop,
): Promise<Uint8Array> {
  const found = readJson(evaluationSpecSchema, await blob(spec), 'how clips are to be measured');
  const { systems, kernels: name, warped, sound, ...how } = found;
  if (system >= systems.length)
    throw new TtsError('ERR_CLUSTER', `a job is of system ${system}, expected one of ${systems.length}`);
  const voice = systems[system];
  if (last?.spec !== spec) last = { spec, copiers: new Map() };
  const { copiers } = last;
  if (voice !== null && !copiers.has(voice)) {
    const kernels = chooseKernels({ name, threads });
    copiers.set(voice, await voiceCopier(decodeVoice(await blob(voice)), { ...how, kernels }));
  }
  const copier = voice === null ? undefined : copiers.get(voice);
  const [original, own] = decodeFiles(await blob(input), copier ? 1 : 2);
  return answering(async () => {
    const spoken = await (copier ? copier(original) : besideOriginal(original, own, warped));
    const copy = measureCopy({ id: '', path: nameOf(original) }, spoken, warped);
    const { seconds, sampleRate, samples, measures, notes = [], resampledFrom } = copy;
    const measured = { seconds, sampleRate, samples, measures, notes: [...notes], resampledFrom };
    return encodeAnswer(measured satisfies z.infer<typeof measuredSchema>, sound ? { ...copy.sound } : {});
  });
}
