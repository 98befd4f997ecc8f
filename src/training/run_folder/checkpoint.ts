import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { makeFolder } from '../../base/output.js';
import { removeLeftovers } from '../../base/temporary.js';
import { writeWholeFolder } from '../../base/whole_file.js';
import { decodeSafetensors, safetensorsChunks, type Tensor } from '../../model/safetensors.js';

/** JSON without null's cousins: numbers must be finite, or they would not come back. */
export type CheckpointState = Record<string, unknown>;

/** Everything that an exact resume needs. */
export interface CheckpointContents {
  readonly arrays: ReadonlyMap<string, Float32Array | Int32Array>;
  readonly state: CheckpointState;
}

export interface LoadedCheckpoint extends CheckpointContents {
  readonly arrays: Map<string, Float32Array | Int32Array>;
  readonly step: number;
  /** Says which newer checkpoints were passed over because they are broken. */
  readonly note?: string;
}

/**
 * A checkpoint is a folder `RUN/checkpoints/STEP` with arrays.safetensors, state.json and manifest.json, which holds
 * the length and SHA-256 of the other two. One process at a time owns a run's folder.
 */
const kept = 2;
const contents = ['arrays.safetensors', 'state.json'] as const;
const manifestName = 'manifest.json';
/** `.replaced`: see `writeWholeFolder`. */
const finished = /^(\d{9,})(\.replaced)?$/;

/**
 * Saves a checkpoint so that a crash at any moment leaves the earlier ones intact, then removes all but the newest two.
 * @throws {RangeError} when `state` holds a number that JSON cannot.
 */
export function saveCheckpoint(runDir: string, step: number, { arrays, state }: CheckpointContents): void {
  const folder = join(runDir, 'checkpoints');
  makeFolder(folder);
  removeLeftovers(folder);
  const tensors = new Map(
    [...arrays].map(([name, data]): [string, Tensor] => [
      name,
      { dtype: data instanceof Float32Array ? 'F32' : 'I32', shape: [data.length], data },
    ]),
  );
  writeWholeFolder(join(folder, String(step).padStart(9, '0')), (temporary) => {
    const files = {
      'arrays.safetensors': writeChunks(join(temporary, 'arrays.safetensors'), safetensorsChunks(tensors)),
      'state.json': writeChunks(join(temporary, 'state.json'), [Buffer.from(JSON.stringify(state, refuseNonFinite))]),
    };
    writeChunks(join(temporary, manifestName), [Buffer.from(JSON.stringify({ step, files }))]);
  });

  // Newer ones than this can only be broken ones that loading passed over; they neither count nor are touched.
  const older = listCheckpoints(folder).filter((checkpoint) => checkpoint.step <= step);
  for (const { path } of older.slice(kept)) rmSync(path, { recursive: true });
}

/**
 * The newest checkpoint of a run whose files are all there with the right length and checksum; null when none was ever
 * saved.
 * @throws {TtsError} ERR_CHECKPOINT when there are checkpoints and all are broken.
 */
export function loadNewestCheckpoint(runDir: string): LoadedCheckpoint | null {
  const folder = join(runDir, 'checkpoints');
  const candidates = existsSync(folder) ? listCheckpoints(folder) : [];
  const broken: string[] = [];
  for (const { step, path } of candidates) {
    try {
      const loaded = readCheckpoint(path, step);
      return broken.length === 0
        ? loaded
        : { ...loaded, note: `resumed from step ${step}; passed over ${broken.join('; ')}` };
    } catch (error) {
      broken.push(`${path} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  if (broken.length === 0) return null;
  throw new TtsError(
    'ERR_CHECKPOINT',
    `no checkpoint in ${folder} is whole: ${broken.join('; ')}. Remove the folder to start again from step 0`,
  );
}

/** Newest first. */
function listCheckpoints(folder: string): { step: number; path: string }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const match = finished.exec(name);
      return match ? [{ step: Number(match[1]), path: join(folder, name), replaced: match[2] !== undefined }] : [];
    })
    .sort((a, b) => b.step - a.step || Number(a.replaced) - Number(b.replaced));
}

function readCheckpoint(path: string, step: number): LoadedCheckpoint {
  const manifest = JSON.parse(readFileSync(join(path, manifestName), 'utf8')) as {
    step?: unknown;
    files?: Record<string, Partial<FileCheck>>;
  };
  if (manifest.step !== step) throw new Error(`the manifest is of step ${String(manifest.step)}`);
  const [arrays, state] = contents.map((name) => {
    const bytes = readFileSync(join(path, name));
    const expected = manifest.files?.[name];
    if (bytes.length !== expected?.bytes)
      throw new Error(`${name} has ${bytes.length} bytes, expected ${expected?.bytes}`);
    if (createHash('sha256').update(bytes).digest('hex') !== expected.sha256)
      throw new Error(`${name} does not match its checksum`);
    return bytes;
  });
  const entries = [...decodeSafetensors(arrays).tensors].map(
    ([name, { data }]) => [name, data as Float32Array | Int32Array] as const,
  );
  return { step, arrays: new Map(entries), state: JSON.parse(state.toString('utf8')) as CheckpointState };
}

interface FileCheck {
  bytes: number;
  sha256: string;
}

function writeChunks(path: string, chunks: readonly Uint8Array[]): FileCheck {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = openSync(path, 'wx');
  try {
    for (const chunk of chunks) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
      bytes += chunk.length;
    }
  } finally {
    closeSync(file);
  }
  return { bytes, sha256: hash.digest('hex') };
}

function refuseNonFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError(`checkpoint state ${key} is ${value}, which JSON cannot hold`);
  return value;
}
