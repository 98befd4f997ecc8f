import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../src/base/errors.js';
import { RandomStream } from '../../src/base/random.js';
import type { Answers } from '../../src/listening/server/records.js';
import { AnswerStore } from '../../src/listening/server/store.js';
import type { Trial } from '../../src/listening/study/plan.js';

/** A file of answers as it lies on the disk: closed, or with the log of a server that was killed. */
export interface Image {
  readonly file: Buffer;
  readonly log: Buffer | undefined;
  readonly rows: ReadonlySet<string>;
}

export const planFor = (slot: number): Trial[] =>
  Array.from({ length: 6 }, (_, i) => ({
    clip: `clip-${i}`,
    signals: slot % 2 === 0 ? ['ours', 'theirs', 'reference'] : ['reference', 'ours', 'theirs'],
    role: 'test',
  }));

/** Listeners with answers to a MUSHRA test, in a folder. */
export async function makeImages(folder: string, listeners = 12): Promise<Image[]> {
  const path = join(folder, 'original.sqlite');
  const store = AnswerStore.open(path, 'print', { title: 'a test', kind: 'mushra' });
  for (let n = 0; n < listeners; n++) {
    const { listener } = await store.register(planFor, n % 3 === 0 ? null : `p${n}`, 1e12 + n);
    for (const trial of listener.plan.keys())
      await store.save(
        listener.id,
        trial,
        { ratings: [(7 * n + trial) % 101, 50, null], heard: [1, 0.5, 1, 0], seconds: n + 0.1, done: trial < 5 },
        2e12 + n,
      );
    if (n % 2 === 0) await store.finish(listener.id, `Fine, für ${n}`, 3e12);
  }
  const rows = new Set(rowsOf(store));
  const killed = { file: readFileSync(path), log: readFileSync(`${path}-wal`), rows };
  store.close();
  return [{ file: readFileSync(path), log: undefined, rows }, killed];
}

const rowsOf = (answers: Answers): string[] =>
  [...answers.listeners(), ...answers.answers()].map((row) =>
    JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))),
  );

/** What may happen to a file: bits, bytes, sectors, pages, its end. */
export function damage(bytes: Buffer, random: RandomStream): Buffer {
  const result = Buffer.from(bytes);
  const at = random.below(result.length);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      result[at] ^= 1 << random.below(8);
      break;
    case 3:
      result[at] = random.below(256);
      break;
    case 4:
      for (let n = 0; n < 20; n++) result[random.below(result.length)] ^= 1 << random.below(8);
      break;
    case 5:
      result.fill(random.below(2) * 255, at & ~511, (at & ~511) + 512);
      break;
    case 6:
      result.copy(result, random.below(result.length) & ~4095, at & ~4095, (at & ~4095) + 4096);
      break;
    default:
      return result.subarray(0, at);
  }
  return result;
}

/** What came of a damaged file. */
export type Outcome = 'whole' | 'part' | 'refused';

/**
 * Damages a file and reads it: nothing that comes out may differ from what went in, and what is missing must be said.
 * Then it is opened as `tts-listen serve` does, and must be whole afterwards.
 */
export async function tryDamaged(folder: string, image: Image, seed: number): Promise<Outcome> {
  const random = new RandomStream(seed, 0);
  // A name of its own: what was opened before is closed some time after.
  const path = join(folder, `answers-${seed}.sqlite`);
  const inLog = image.log !== undefined && random.below(2) === 1;
  const clear = () => {
    for (const end of ['.sqlite', '.damaged-1.sqlite'])
      for (const more of ['', '-wal', '-shm', '-journal']) rmSync(path.replace('.sqlite', end) + more, { force: true });
  };
  clear();
  writeFileSync(path, inLog ? image.file : damage(image.file, random));
  const log = image.log !== undefined && inLog ? damage(image.log, random) : image.log;
  const cut = log !== undefined && log.length < (image.log?.length ?? 0);
  if (log !== undefined) writeFileSync(`${path}-wal`, log);
  const copies = ['', '-wal'].filter((end) => existsSync(path + end));
  for (const end of copies) copyFileSync(path + end, `${path}.copy${end}`);

  let outcome = check(() => AnswerStore.read(path), image, inLog, cut);
  clear();
  for (const end of copies) copyFileSync(`${path}.copy${end}`, path + end);
  const notes: string[] = [];
  let store: AnswerStore | undefined;
  const served = check(
    () => {
      store = AnswerStore.open(
        path,
        'print',
        { title: 'a test', kind: 'mushra' },
        { planFor, onNote: (note) => notes.push(note) },
      );
      return {
        listeners: () => store!.listeners(),
        answers: () => store!.answers(),
        settings: () => store!.settings(),
        damage: notes,
      };
    },
    image,
    inLog,
    cut,
  );
  if (store !== undefined) {
    const { token, listener } = await store.register(planFor, 'new');
    assert.ok(await store.save(listener.id, 0, { ratings: [1, 2, 3], heard: [1, 1, 1, 1], seconds: 1, done: true }));
    store.close();
    const again = AnswerStore.read(path);
    assert.deepEqual(again.damage, [], 'what is served is whole');
    assert.equal(again.find(token)?.id, listener.id);
  }
  if (served !== outcome) outcome = served === 'refused' || outcome === 'refused' ? 'refused' : 'part';
  clear();
  for (const end of copies) rmSync(`${path}.copy${end}`);
  return outcome;
}

function check(open: () => Answers, { rows }: Image, inLog: boolean, cut: boolean): Outcome {
  let answers: Answers;
  try {
    answers = open();
  } catch (error) {
    assert.ok(error instanceof TtsError && error.code === 'ERR_LISTENING_TEST', String((error as Error).stack));
    return 'refused';
  }
  const found = rowsOf(answers);
  assert.equal(new Set(found).size, found.length, 'a row came twice');
  // The log holds older versions of rows, and one that ends early shows the answers as they were then.
  if (!inLog) for (const row of found) assert.ok(rows.has(row), `this was never written: ${row}`);
  const lost = [...rows].filter((row) => !found.includes(row)).length;
  // A log that was cut off looks like that of a server which was killed earlier.
  assert.ok(lost === 0 || cut || answers.damage.length > 0, `${lost} rows are missing and nothing says so`);
  return lost === 0 ? 'whole' : 'part';
}
