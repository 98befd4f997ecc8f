import { workerData } from 'node:worker_threads';
import { readRecording } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import { answerTasks } from '../store/workers.js';
import { alignmentFeatures, type ClipFeatures } from './features.js';

/** What a worker gets at its start. */
export interface FeatureWork {
  /** From one frame to the next, in seconds. */
  readonly hop: number;
  /** Longest recording, in seconds. */
  readonly longest: number;
}

/** What became of a recording: a fault of it is no fault of the others. */
export type FeatureResult = { readonly features: ClipFeatures } | { readonly fault: string };

const { hop, longest } = workerData as FeatureWork;

async function listen(path: string): Promise<FeatureResult> {
  try {
    const { samples, sampleRate } = await readRecording(path);
    const seconds = samples.length / sampleRate;
    if (seconds > longest)
      return { fault: `it lasts ${seconds.toFixed(1)} s, expected ${longest} s at most; cut it at pauses` };
    return { features: alignmentFeatures({ samples, sampleRate }, hop) };
  } catch (error) {
    if (error instanceof TtsError) return { fault: `${error.code}: ${error.message}` };
    throw error;
  }
}

answerTasks(listen, (result) => ('features' in result ? [result.features.data.buffer] : []));
