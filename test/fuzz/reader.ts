import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TtsError } from '../../src/base/errors.js';
import type { RandomStream } from '../../src/base/random.js';

/** Files by their path in a folder. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** What a reader is tried on. */
export interface Input<Result> {
  readonly files: Files;
  /** For files that nothing is wrong with, which may not be refused: compares what was read with what was written. */
  readonly expected?: (result: Result) => void;
}

/** A reader, and how inputs for it are made. */
export interface FuzzedReader<Result = unknown> {
  /** The same random numbers give the same input. */
  make(random: RandomStream): Input<Result> | Promise<Input<Result>>;
  /** Reads the files in the folder. Anything that is thrown but a TtsError is a finding. */
  read(folder: string): Result | Promise<Result>;
  /** What must hold of everything that is read, whatever the input: finite numbers, lengths that match, bounds. */
  check(result: Result, files: Files): void;
  /** Whether reading also writes into the folder, as going on with a run does. */
  readonly writes?: boolean;
}

/** What came of an input: it was read, or refused with this code. */
export type Outcome = 'read' | TtsError['code'];

/** Something is wrong with a reader. */
export class Finding extends Error {
  constructor(
    readonly what: 'uncoded error' | 'garbage accepted' | 'valid input refused' | 'files left',
    cause: unknown,
  ) {
    super(`${what}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    this.name = 'Finding';
  }
}

const documented = new Set(
  [...readFileSync('docs/errors.md', 'utf8').matchAll(/^### (ERR_\w+)$/gm)].map(([, code]) => code),
);

/** A folder for inputs: in memory where there is such a place, since what is tested is not the disk. */
export const folderForInputs = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tts-fuzz-'));

/** Gives an input to a reader. @throws {Finding} */
export async function tryInput<Result>(
  reader: FuzzedReader<Result>,
  { files, expected }: Input<Result>,
  parent: string,
): Promise<Outcome> {
  const folder = join(parent, 'input');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) {
    if (name.includes('/')) mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  let outcome: Outcome = 'read';
  let result: Result | undefined;
  try {
    result = await reader.read(folder);
  } catch (error) {
    if (!(error instanceof TtsError)) throw new Finding('uncoded error', error);
    if (!documented.has(error.code) || error.message.length > 2000) throw new Finding('uncoded error', error);
    outcome = error.code;
    if (expected !== undefined) throw new Finding('valid input refused', error);
  }
  if (outcome === 'read') {
    try {
      reader.check(result as Result, files);
      expected?.(result as Result);
    } catch (error) {
      throw new Finding('garbage accepted', error);
    }
  }
  try {
    if (!reader.writes) assert.deepEqual(filesIn(folder), Object.keys(files).sort());
    else
      assert.deepEqual(
        filesIn(folder).filter((name) => name.endsWith('.tmp')),
        [],
      );
  } catch (error) {
    throw new Finding('files left', error);
  }
  return outcome;
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();

/** For checks: whether every number is finite. */
export function assertFinite(numbers: ArrayLike<number>, what: string): void {
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i])) assert.fail(`${what}: ${numbers[i]} at ${i}`);
}

/** For checks: whether two arrays have the same numbers, to within a distance. */
export function assertNumbers(found: ArrayLike<number>, wanted: ArrayLike<number>, what: string, within = 0): void {
  assert.equal(found.length, wanted.length, `${what}: length`);
  for (let i = 0; i < wanted.length; i++)
    if (!Object.is(found[i], wanted[i]) && !(Math.abs(found[i] - wanted[i]) <= within))
      assert.fail(`${what}: ${found[i]} at ${i}, expected ${wanted[i]}`);
}
