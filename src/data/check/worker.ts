import { readChannels } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import { answerTasks } from '../store/workers.js';
import { measureRecording, type RecordingFigures } from './recording.js';

/** What became of a recording: a fault of it is no fault of the check. */
export type CheckResult = { readonly figures: RecordingFigures } | { readonly fault: string };

async function check(path: string): Promise<CheckResult> {
  try {
    const audio = await readChannels(path);
    if (audio.channels.some((channel) => channel.some((sample) => !Number.isFinite(sample))))
      return { fault: `ERR_AUDIO_FORMAT: ${path} has samples that are not finite` };
    return { figures: measureRecording(audio) };
  } catch (error) {
    if (error instanceof TtsError) return { fault: `${error.code}: ${error.message}` };
    throw error;
  }
}

answerTasks(check, () => []);
