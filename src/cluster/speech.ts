import { z } from 'zod';
import { WavStream } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { limits, real, text, whole } from '../base/limits.js';
import { readWholeFile } from '../base/whole_file.js';
import { encodeAcoustic } from '../model/acoustic/encoding.js';
import type { AcousticModel } from '../model/acoustic/model.js';
import { encodeVoice } from '../model/voice/encoding.js';
import type { Voice } from '../model/voice/voice.js';
import { type SpeakFolderOptions, spokenTexts, unspeakable } from '../speech/folder.js';
import { type FolderOptions, spokenFiles } from '../synthesis/folder.js';
import { openFolderFiles, type SpokenFile } from '../synthesis/folder_files.js';
import { readSynthesisInput } from '../synthesis/input.js';
import { arrayIn, encodeFiles, encodeInput } from './answers.js';
import { type Errand, runErrands } from './errands.js';
import type { Link } from './link.js';
import { hashSchema } from './protocol.js';

const drawing = {
  voice: hashSchema,
  kernels: text(),
  seed: whole(limits.seed),
  temperature: real(limits.temperature),
  correction: z.boolean(),
};

/** How the features of a folder are spoken. */
export const synthesisSpecSchema = z.strictObject(drawing);

/** How the texts of a folder are spoken. */
export const speechSpecSchema = z.strictObject({
  ...drawing,
  acoustic: hashSchema,
  lexicon: hashSchema.nullable(),
  speed: real(limits.factor),
  pitch: real(limits.factor),
});

/** What there is to say of what was spoken; the samples are an array, `pcm`. */
export const spokenSchema = z.strictObject({ notes: z.array(text()).max(limits.entries.most) });

interface ByWorkers {
  readonly kernels: { readonly name: string };
  readonly note: (text: string) => void;
}

/**
 * Turns every `.npy` and every recording of a folder into speech, as `synthesizeFolder` does, to the same WAV, by the
 * workers of a queue: a file a job.
 * @throws {TtsError} what `openFolderFiles` and `runErrands` throw
 */
export async function synthesizeByWorkers(
  link: Link,
  voice: Voice,
  inputs: string,
  outputs: string,
  { voiceName, force, onFile, kernels, note, seed = 1, temperature = 1, correction = true }: FolderOptions & ByWorkers,
): Promise<SpokenFile[]> {
  const { jobs, files, report } = await openFolderFiles(inputs, outputs, spokenFiles, { force, onFile });
  const { sampleRate, hop } = voice.features;
  const errands: Errand<z.infer<typeof spokenSchema>>[] = [];
  for (const { input, output } of jobs) {
    try {
      const { data, frames, notes } = await readSynthesisInput(input, voice, voiceName);
      const bytes = encodeInput({ features: data });
      errands.push({
        input: () => bytes,
        async onFound(_, arrays) {
          const pcm = arrayIn(arrays, 'pcm', Int16Array);
          if (pcm.length !== frames * hop)
            throw new TtsError(
              'ERR_CLUSTER',
              `the speech of ${input} has ${pcm.length} samples, expected ${frames * hop}`,
            );
          await writeWavOf(output, sampleRate, pcm, force);
          report({ input, output, seconds: pcm.length / sampleRate, notes });
        },
        onRefused(error) {
          throw error;
        },
      });
    } catch (error) {
      if (!(error instanceof TtsError)) throw error;
      report({ input, output, seconds: 0, notes: [], error });
    }
  }
  await runErrands(link, {
    job: 'synthesize',
    doing: 'speaking features',
    unit: 'files',
    spec: async (keep) =>
      ({
        voice: await keep(encodeVoice(voice)),
        kernels: kernels.name,
        seed,
        temperature,
        correction,
      }) satisfies z.infer<typeof synthesisSpecSchema>,
    schema: spokenSchema,
    errands,
    note,
  });
  return [...files];
}

/** What speaks, and as what it travels. */
export interface SpeakingParts {
  readonly acoustic: AcousticModel;
  readonly voice: Voice;
  /** A file of words; see `parseLexicon`. */
  readonly lexicon?: string;
}

/**
 * Speaks every `.txt` of a folder, as `speakFolder` does, to the same WAV, by the workers of a queue: a file a job.
 * @throws {TtsError} what `openFolderFiles` and `runErrands` throw
 */
export async function speakByWorkers(
  link: Link,
  { acoustic, voice, lexicon }: SpeakingParts,
  inputs: string,
  outputs: string,
  {
    force,
    onFile,
    kernels,
    note,
    seed = 1,
    temperature = 1,
    correction = true,
    speed = 1,
    pitch = 1,
  }: Omit<SpeakFolderOptions, 'atOnce'> & ByWorkers,
): Promise<SpokenFile[]> {
  const { jobs, files, report } = await openFolderFiles(inputs, outputs, spokenTexts, { force, onFile });
  const { sampleRate } = voice.features;
  await runErrands(link, {
    job: 'speak',
    doing: 'speaking texts',
    unit: 'files',
    spec: async (keep) =>
      ({
        acoustic: await keep(encodeAcoustic(acoustic)),
        voice: await keep(encodeVoice(voice)),
        lexicon: lexicon === undefined ? null : await keep(await readWholeFile(lexicon)),
        kernels: kernels.name,
        seed,
        temperature,
        correction,
        speed,
        pitch,
      }) satisfies z.infer<typeof speechSpecSchema>,
    schema: spokenSchema,
    errands: jobs.map(({ input, output }) => ({
      input: () => encodeFiles([input]),
      async onFound({ notes }, arrays) {
        const pcm = arrayIn(arrays, 'pcm', Int16Array);
        await writeWavOf(output, sampleRate, pcm, force);
        report({ input, output, seconds: pcm.length / sampleRate, notes });
      },
      onRefused(error) {
        if (!unspeakable(error)) throw error;
        report({ input, output, seconds: 0, notes: [], error });
      },
    })),
    note,
  });
  return [...files];
}

async function writeWavOf(output: string, sampleRate: number, pcm: Int16Array, force?: boolean): Promise<void> {
  const wav = await WavStream.open(output, sampleRate, { force });
  try {
    await wav.write(pcm);
    await wav.close();
  } catch (error) {
    await wav.abort();
    throw error;
  }
}
