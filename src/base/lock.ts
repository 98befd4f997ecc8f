import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { TtsError } from './errors.js';
import { makeFolder } from './output.js';
import { claimTemporary, release, removeAtTheEnd } from './temporary.js';
import { writeError } from './whole_file.js';

const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Of the machine's present run; another one since means that the process is gone. Null where it is not known. */
  boot: z.string().nullable(),
  /** Process numbers count from 1 in each container. Null where the system has no such thing. */
  namespace: z.string().nullable(),
  /** When the process began, in the system's own unit: a number can be given again. Null where it is not known. */
  began: z.string().nullable(),
  /** For people: when the lock was taken. */
  since: z.string(),
  /** Tells two locks of one process apart. */
  token: z.string(),
});

type Owner = z.infer<typeof ownerSchema>;

/** Something that one process at a time may work on. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock of something that two processes would break for each other: a file that says who holds it. The lock of
 * a process that is gone is taken over. The folder of the file is made if it is not there.
 * @param what for the message: `the run runs/my-voice`
 * @throws {TtsError} ERR_IN_USE, which names the holder; ERR_FILE_WRITE
 */
export function takeLock(path: string, what: string): Lock {
  makeFolder(dirname(path));
  const text = markOfProcess();
  for (;;) {
    if (create(path, text)) break;
    const found = read(path);
    if (found === undefined) continue;
    refuseIfAlive(found, path, what);
    putAside(path, found);
  }
  removeAtTheEnd(path);
  return {
    release() {
      release(path);
      if (read(path) === text) rmSync(path, { force: true });
    },
  };
}

/**
 * Refuses what another process holds, without taking the lock: told before minutes of preparation.
 * @throws {TtsError} ERR_IN_USE
 */
export function refuseIfLocked(path: string, what: string): void {
  const found = read(path);
  if (found !== undefined) refuseIfAlive(found, path, what);
}

/** Says which process this is, and that it holds something from now on: text that no other lock has. */
export function markOfProcess(): string {
  const token = randomBytes(8).toString('hex');
  return JSON.stringify({ ...thisProcess(), since: new Date().toISOString(), token } satisfies Owner);
}

/** Who wrote a mark, and whether it is certainly gone; undefined for what is no mark. */
export function holderOf(mark: string): { pid: number; host: string; since: string; gone: boolean } | undefined {
  const owner = parse(mark);
  return owner && { pid: owner.pid, host: owner.host, since: owner.since, gone: isGone(owner) };
}

/** Whether the file was made with all of its text; false where there is one already. */
function create(path: string, text: string): boolean {
  const temporary = claimTemporary(path);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    try {
      linkSync(temporary, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENOENT: the one who holds it now has cleared the folder of leftovers.
      if (code === 'EEXIST' || code === 'ENOENT') return false;
      // File systems without links: a file that is made and then filled. Who finds it empty takes it for a dead one's.
      if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK'].includes(code ?? '')) throw error;
      writeFileSync(path, text, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeError(path, error);
  } finally {
    rmSync(temporary, { force: true });
    release(temporary);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw writeError(path, error);
  }
}

/** Removes a dead lock; puts it back if another process took it over in between, and its own lock was caught. */
function putAside(path: string, dead: string): void {
  const aside = claimTemporary(path);
  try {
    renameSync(path, aside);
    if (read(aside) !== dead) linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw writeError(path, error);
  } finally {
    rmSync(aside, { force: true });
    release(aside);
  }
}

function refuseIfAlive(text: string, path: string, what: string): void {
  const owner = parse(text);
  if (owner === undefined || isGone(owner)) return;
  const { pid, host, since } = owner;
  const here = host === hostname();
  throw new TtsError(
    'ERR_IN_USE',
    `${what} is in use by process ${pid}${here ? '' : ` on ${host}`} since ${since}; expected one process at a time: ` +
      `wait for it, or stop it${here ? '' : `; if it has gone, remove ${path}`}`,
  );
}

/** Undefined for what is no lock: empty after a power cut, say. */
function parse(text: string): Owner | undefined {
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the process that wrote this is certainly gone. What runs elsewhere cannot be seen from here. */
function isGone({ pid, host, boot, namespace, began }: Owner): boolean {
  const here = thisProcess();
  const sameMachine = boot !== null && boot === here.boot;
  if (!sameMachine && host !== here.host) return false;
  if (boot !== null && here.boot !== null && !sameMachine) return true;
  // Another container of this machine has process numbers of its own.
  if (namespace !== here.namespace && host !== here.host) return false;
  if (!exists(pid)) return true;
  return began !== null && beginOf(pid) !== began;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

const thisProcess = (): Omit<Owner, 'since' | 'token'> => ({
  pid: process.pid,
  host: hostname(),
  boot: fromSystem(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
  namespace: fromSystem(() => readlinkSync('/proc/self/ns/pid')),
  began: beginOf(process.pid),
});

/**
 * Ticks of the clock from the machine's start: field 22 of /proc/PID/stat (proc(5)); the name before it may hold
 * spaces.
 */
function beginOf(pid: number): string | null {
  return fromSystem(() => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, '').trim().split(' ')[19]);
}

function fromSystem(ask: () => string): string | null {
  try {
    return ask();
  } catch {
    return null;
  }
}
