import { audioExtensions } from '../audio/read.js';
import { WavStream } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import type { Voice } from '../model/voice/voice.js';
import { type FolderFileOptions, openFolderFiles, type SpokenFile } from './folder_files.js';
import { readSynthesisInput } from './input.js';
import { type SynthesisOptions, synthesizeMany } from './synthesize.js';

export interface FolderOptions extends SynthesisOptions, FolderFileOptions {
  /** What messages call the voice. */
  readonly voiceName: string;
}

/** What is spoken of a folder. */
export const spokenFiles = { endings: ['.npy', ...audioExtensions], expected: '.npy files or recordings' };

/**
 * Turns every `.npy` and every recording of a folder into speech, `NAME.wav` in another folder, many at once; each as
 * it sounds alone with the same seed. What cannot be read is reported and left out.
 * @throws {TtsError} what `openFolderFiles` throws
 * @throws {AbortError} when `options.signal` says stop; files that are complete stay, nothing is left of the others
 */
export async function synthesizeFolder(
  voice: Voice,
  inputs: string,
  outputs: string,
  { voiceName, force, onFile, ...options }: FolderOptions,
): Promise<SpokenFile[]> {
  const { jobs, files, report } = await openFolderFiles(inputs, outputs, spokenFiles, { force, onFile });
  /** Files in the order in which their speech begins. */
  const begun: {
    readonly input: string;
    readonly output: string;
    readonly notes: readonly string[];
    wav?: WavStream;
    samples: number;
  }[] = [];
  async function* features() {
    for (const { input, output } of jobs) {
      try {
        const { data, frames, notes } = await readSynthesisInput(input, voice, voiceName);
        begun.push({ input, output, notes, samples: 0 });
        yield { data, frames };
      } catch (error) {
        if (!(error instanceof TtsError)) throw error;
        report({ input, output, seconds: 0, notes: [], error });
      }
    }
  }
  const { sampleRate } = voice.features;
  try {
    for await (const { index, pcm, last } of synthesizeMany(voice, features(), options)) {
      const file = begun[index];
      file.wav ??= await WavStream.open(file.output, sampleRate, { force });
      await file.wav.write(pcm);
      file.samples += pcm.length;
      if (!last) continue;
      await file.wav.close();
      file.wav = undefined;
      report({ input: file.input, output: file.output, seconds: file.samples / sampleRate, notes: file.notes });
    }
  } catch (error) {
    for (const { wav } of begun) await wav?.abort();
    throw error;
  }
  return [...files];
}
