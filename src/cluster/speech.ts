import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { WavStream } from '../audio/write.js';
import { canonicalJson } from '../base/canonical_json.js';
import { TtsError } from '../base/errors.js';
import { limits, real, text, whole } from '../base/limits.js';
import { encodeVoice } from '../model/voice/encoding.js';
import type { Voice } from '../model/voice/voice.js';
import { type FolderOptions, spokenFiles } from '../synthesis/folder.js';
import { openFolderFiles, type SpokenFile } from '../synthesis/folder_files.js';
import { readSynthesisInput } from '../synthesis/input.js';
import { Coordinator, type Task } from './coordinator.js';
import type { Link } from './link.js';
import { hashSchema } from './protocol.js';
import { sha256 } from './sealed.js';

/** How a folder is spoken. */
export const speechSpecSchema = z.strictObject({
  voice: hashSchema,
  kernels: text(),
  seed: whole(limits.seed),
  temperature: real(limits.temperature),
  correction: z.boolean(),
});

/**
 * Turns every `.npy` and every recording of a folder into speech, as `synthesizeFolder` does, to the same WAV, by the
 * workers of a queue: a file a job.
 * @throws {TtsError} what `openFolderFiles` throws
 */
export async function folderByWorkers(
  link: Link,
  voice: Voice,
  inputs: string,
  outputs: string,
  {
    voiceName,
    force,
    onFile,
    kernels,
    seed = 1,
    temperature = 1,
    correction = true,
  }: FolderOptions & { kernels: { readonly name: string } },
  note: (text: string) => void,
): Promise<SpokenFile[]> {
  const { jobs, files, report } = await openFolderFiles(inputs, outputs, spokenFiles, { force, onFile });
  const run = `synth-${randomBytes(6).toString('hex')}`;
  const coordinator = await Coordinator.lead(link, run, note);
  try {
    const spec = await coordinator.keep(
      Buffer.from(
        canonicalJson({
          voice: await coordinator.keep(encodeVoice(voice)),
          kernels: kernels.name,
          seed,
          temperature,
          correction,
        } satisfies z.infer<typeof speechSpecSchema>),
      ),
    );
    const { sampleRate, hop } = voice.features;
    const tasks: Task[] = [];
    const asked: {
      readonly input: string;
      readonly output: string;
      readonly notes: readonly string[];
      readonly samples: number;
    }[] = [];
    for (const { input, output } of jobs) {
      try {
        const { data, frames, notes } = await readSynthesisInput(input, voice, voiceName);
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        const hash = sha256(bytes);
        coordinator.offer(hash, () => bytes);
        tasks.push({
          id: `${run}.${tasks.length}`,
          name: 'synthesize',
          data: { input: hash },
          mostBytes: 2 * frames * hop + 64,
        });
        asked.push({ input, output, notes, samples: frames * hop });
      } catch (error) {
        if (!(error instanceof TtsError)) throw error;
        report({ input, output, seconds: 0, notes: [], error });
      }
    }
    await coordinator.compute(tasks, spec, {
      async onResult(index, bytes) {
        const { input, output, notes, samples } = asked[index];
        if (bytes.length !== 2 * samples)
          throw new TtsError(
            'ERR_CLUSTER',
            `the speech of ${input} has ${bytes.length} bytes, expected ${2 * samples}`,
          );
        const wav = await WavStream.open(output, sampleRate, { force });
        try {
          await wav.write(new Int16Array(new Uint8Array(bytes).buffer));
          await wav.close();
        } catch (error) {
          await wav.abort();
          throw error;
        }
        report({ input, output, seconds: samples / sampleRate, notes });
        const done = files.length;
        await coordinator.tell({
          doing: 'speaking',
          done,
          all: jobs.length,
          unit: 'files',
          parts: 1,
          publish: null,
          wait: null,
        });
      },
    });
  } finally {
    await coordinator.close();
  }
  return [...files];
}
