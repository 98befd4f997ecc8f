import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson } from '../base/canonical_json.js';
import { TtsError } from '../base/errors.js';
import type { SafetensorsFile } from '../model/safetensors.js';
import { decodeAnswer } from './answers.js';
import { Coordinator, type Task } from './coordinator.js';
import type { Link } from './link.js';
import { mostBytes } from './names.js';
import type { JobName } from './protocol.js';
import { sha256 } from './sealed.js';

/** One of many things of a kind to be done, a job each: a file of a folder, say. */
export interface Errand<T> {
  /** What the worker gets, the same whenever it is asked for. May throw what is wrong with it, as TtsError. */
  readonly input: () => Uint8Array;
  /** Further data of its job. */
  readonly data?: object;
  /** Takes what came of it; an error says that a worker is not to be believed, and it is done once more. */
  onFound(found: T, arrays: SafetensorsFile): void | Promise<void>;
  /** Its input is of no use. */
  onRefused(error: TtsError): void | Promise<void>;
}

export interface Errands<T> {
  readonly job: JobName;
  /** For the status: what is done, with so many of what. */
  readonly doing: string;
  readonly unit: string;
  /** What they have in common. @param keep puts bytes into the queue and gives their hash */
  readonly spec: (keep: (bytes: Uint8Array) => Promise<string>) => Promise<object>;
  /** Of what a worker finds. */
  readonly schema: z.ZodType<T>;
  readonly errands: readonly Errand<T>[];
  readonly signal?: AbortSignal;
  readonly note: (text: string) => void;
}

/**
 * Has errands done by the workers of a queue, a job each.
 * @throws {TtsError} what `Coordinator.compute` throws
 * @throws {unknown} the signal's reason
 */
export async function runErrands<T>(
  link: Link,
  { job, doing, unit, spec: common, schema, errands, signal, note }: Errands<T>,
): Promise<void> {
  const run = `${job}-${randomBytes(6).toString('hex')}`;
  const coordinator = await Coordinator.lead(link, run, note);
  let done = 0;
  const tell = () => coordinator.tell({ doing, done, all: errands.length, unit, parts: 1, publish: null, wait: null });
  try {
    await tell();
    const keep = (bytes: Uint8Array) => coordinator.keep(bytes);
    const spec = await coordinator.keep(Buffer.from(canonicalJson(await common(keep))));
    const tasks: Task[] = [];
    const asked: Errand<T>[] = [];
    for (const errand of errands) {
      try {
        const input = sha256(errand.input());
        coordinator.offer(input, errand.input);
        tasks.push({ id: `${run}.${tasks.length}`, name: job, data: { ...errand.data, input }, mostBytes });
        asked.push(errand);
      } catch (error) {
        if (!(error instanceof TtsError)) throw error;
        await errand.onRefused(error);
        done++;
      }
    }
    await coordinator.compute(tasks, spec, {
      signal,
      async onResult(index, bytes) {
        const answer = decodeAnswer(schema, bytes, `the result ${tasks[index].id}`);
        if ('refused' in answer) await asked[index].onRefused(answer.refused);
        else await asked[index].onFound(answer.found, answer);
        done++;
        await tell();
      },
    });
  } finally {
    await coordinator.close();
  }
}
