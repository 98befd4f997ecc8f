import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const ending = '.tmp';

/** Files and folders that are being written now, under their temporary names. */
const pending = new Set<string>();

/**
 * A name beside `path` for what will become `path` once it is whole. It is random, so writers never share one. Whatever
 * bears it is removed when the process ends, by itself or by a signal, unless `release` was called before.
 */
export function claimTemporary(path: string): string {
  watchForTheEnd();
  // A name may have 255 bytes; a character has at most four.
  const stem = [...basename(path)].slice(0, 50).join('');
  const temporary = join(dirname(path), `${stem}.${randomBytes(6).toString('hex')}${ending}`);
  pending.add(temporary);
  return temporary;
}

/** Removes a file of this process when it ends by itself or by a signal, unless `release` was called before. */
export function removeAtTheEnd(path: string): void {
  watchForTheEnd();
  pending.add(path);
}

/** Gives a temporary name up: what bore it was renamed or removed. */
export function release(temporary: string): void {
  pending.delete(temporary);
}

/**
 * Removes what bears a temporary name in a folder: a process that was killed outright left it there.
 * @param age least age in milliseconds, where a younger one may belong to another process that is still at work
 */
export function removeLeftovers(folder: string, age = 0): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(ending)) continue;
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (age > 0 && modified > Date.now() - age) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

/** Puts a folder's entries on the disk; without it a power cut may undo a rename. Windows has no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    sync(folder, 'r');
  } catch (error) {
    // Some network file systems do not offer it, and a folder may be writable without being readable.
    if (!['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Puts a file's content on the disk. */
export function syncFile(path: string): void {
  sync(path, 'r+');
}

function sync(path: string, flags: string): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

let watching = false;

/** Runs first among the listeners of a signal, so that it can see whether there are others. */
function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.on('exit', removePending);
  for (const signal of endingSignals) process.prependListener(signal, onSignal);
}

/**
 * The signals that ask a process to end. Node.js forgets at its start that it was told to ignore one of them, as by
 * `nohup`: what runs longer than its terminal goes into `setsid`, `screen` or `tmux`.
 */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function onSignal(signal: NodeJS.Signals): void {
  // Other listeners decide how the process goes on: training, for one, finishes what it is writing, and saves.
  if (process.listenerCount(signal) > 1) return;
  removePending();
  // Without a listener the signal does what it always does.
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}

function removePending(): void {
  for (const path of pending) rmSync(path, { recursive: true, force: true });
  pending.clear();
}
