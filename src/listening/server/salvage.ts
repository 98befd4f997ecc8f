import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { claimTemporary, release, syncFile, syncFolder } from '../../base/temporary.js';
import { all, type Database, get, openDatabase } from './database.js';
import {
  type AnswerRow,
  answerTable,
  checked,
  DamagedRow,
  fileVersion,
  type ListenerRow,
  listenerTable,
  rawRows,
  tables,
  type TestRow,
  testTable,
  userVersion,
  writeRow,
} from './rows.js';

/** What of a file is whole. */
export interface Whole {
  /** Undefined if there is none, or if it is damaged. */
  readonly test: TestRow | undefined;
  readonly listeners: readonly ListenerRow[];
  readonly answers: readonly AnswerRow[];
  /** What is damaged, a line each; empty if nothing is. */
  readonly damage: readonly string[];
  /** Of the file's layout. */
  readonly version: number;
}

export const nothing: Whole = { test: undefined, listeners: [], answers: [], damage: [], version: fileVersion };

export const message = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0];

/** Everything that is whole in an open file, whatever the rest is like. Every row that is given was written so. */
export function readWhole(database: Database): Whole {
  const damage: string[] = [];
  const tests = readRows(database, testTable, () => [[1]], damage);
  const listeners = readRows(database, listenerTable, () => ids(database), damage);
  // An answer says which listener it is of, and the listener's plan how many there can be.
  const answers = readRows(
    database,
    answerTable,
    () => listeners.flatMap(({ id, plan }) => (JSON.parse(plan) as unknown[]).map((_, trial) => [id, trial])),
    damage,
  );
  const known = new Set(listeners.map(({ id }) => id));
  const orphans = answers.filter(({ listener }) => !known.has(listener)).length;
  if (orphans > 0) damage.push(`${orphans} answers are of listeners whose own rows are damaged`);
  return {
    test: tests[0],
    listeners,
    answers: answers.filter(({ listener }) => known.has(listener)),
    damage,
    version: userVersion(database) ?? 0,
  };
}

/** Row numbers that a listener may have, in a file of that size. */
function ids(database: Database): number[][] {
  const smallest = 150;
  const path = database.location();
  const bytes =
    path === null ? 0 : statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  return Array.from({ length: Math.ceil(bytes / smallest) }, (_, id) => [id + 1]);
}

function readRows<Row extends object>(
  database: Database,
  table: Parameters<typeof rawRows<Row>>[1],
  keys: () => number[][],
  damage: string[],
): Row[] {
  const rows = new Map<string, Row>();
  const add = (raw: Record<string, unknown>) => {
    const key = table.key.map((column) => String(raw[column])).join(', ');
    if (rows.has(key)) return;
    try {
      rows.set(key, checked(table, raw));
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      damage.push(`${table.name} ${key} is not as it was written`);
    }
  };
  try {
    for (const raw of rawRows(database, table)) add(raw);
  } catch (error) {
    damage.push(`the table ${table.name} cannot be read to its end (${message(error)})`);
    // Each row by itself: what lies on whole pages is found.
    const where = table.key.map((column) => `${column} = ?`).join(' and ');
    for (const key of keys()) {
      try {
        for (const raw of rawRows(database, table, where, ...key)) add(raw);
      } catch {
        // It is among what cannot be read.
      }
    }
  }
  return [...rows.values()];
}

/** What SQLite's own check finds, for instance pages that nothing leads to any more. */
function integrity(database: Database): string[] {
  try {
    const rows = all<{ line: Uint8Array }>(
      database,
      'select cast(integrity_check as blob) as line from pragma_integrity_check',
    );
    const lines = rows.flatMap(({ line }) => Buffer.from(line).toString().split('\n'));
    return lines.filter((line) => line !== 'ok' && line !== '' && !line.startsWith('***'));
  } catch (error) {
    return [message(error)];
  }
}

/**
 * Reads all that is whole in a file of answers. The file is not changed, apart from what SQLite does to a file whose
 * last user was killed.
 * @throws {Error} if it is no file of answers, or nothing in it is whole
 */
export function inspect(path: string): Whole {
  const attempts: Whole[] = [];
  let fault: unknown;
  try {
    attempts.push(inspectWith(path));
  } catch (error) {
    fault = error;
  }
  if (attempts.every(({ damage }) => damage.length > 0)) {
    const repaired = inspectRepaired(path);
    if (repaired !== undefined) attempts.push(repaired);
  }
  if (attempts.length === 0) throw fault;
  const best = attempts.reduce((a, b) => (size(b) > size(a) ? b : a));
  const damage = attempts.flatMap((one) => one.damage);
  if (fault !== undefined || (best !== attempts[0] && damage.length === 0))
    damage.unshift(`its first page is damaged (${message(fault)})`);
  return { ...best, damage: [...new Set(damage)] };
}

const size = ({ test, listeners, answers }: Whole): number =>
  Number(test !== undefined) + listeners.length + answers.length;

function inspectWith(path: string): Whole {
  const database = openDatabase(path);
  try {
    const count = (where: string) =>
      get<{ n: number }>(database, `select count(*) as n from sqlite_schema where ${where}`)?.n ?? 0;
    if (count(`type = 'table' and name in ('test', 'listeners', 'answers')`) !== 3) {
      // A process that was killed before it wrote anything leaves this.
      if (count('true') === 0 && statSync(path).size <= 4096) return nothing;
      throw new Error('it lacks the tables test, listeners and answers');
    }
    const faults = integrity(database);
    const whole = readWhole(database);
    return { ...whole, damage: [...whole.damage, ...faults.map((fault) => `SQLite: ${fault}`)] };
  } finally {
    database.close();
  }
}

/**
 * The first page of a file holds the tables' layout and the file's figures. All files of answers have the same one, but
 * for the figures: if it is damaged, a new one opens what the other pages hold, in a copy.
 * @returns undefined if nothing whole is found that way
 */
function inspectRepaired(path: string): Whole | undefined {
  const copy = claimTemporary(path);
  try {
    const model = firstPage(copy);
    const pageSize = model.length;
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    const bytes = statSync(copy).size;
    if (bytes < 5 * pageSize) return undefined;
    const old = Buffer.from(readFileSync(copy).subarray(0, pageSize));
    // The change counter, which version-valid-for must equal; then the size in pages.
    old.copy(model, 24, 24, 28);
    old.copy(model, 92, 24, 28);
    model.writeUInt32BE(Math.floor(bytes / pageSize), 28);
    const file = openSync(copy, 'r+');
    try {
      writeSync(file, model, 0, pageSize, 0);
    } finally {
      closeSync(file);
    }
    const whole = inspectWith(copy);
    return size(whole) > 0 ? whole : undefined;
  } catch {
    return undefined;
  } finally {
    removeDatabase(copy);
    release(copy);
  }
}

function firstPage(path: string): Buffer {
  create(path, nothing);
  const page = readFileSync(path).subarray(0, 4096);
  removeDatabase(path);
  return page;
}

const companions = ['', '-wal', '-shm', '-journal'];
const removeDatabase = (path: string): void => companions.forEach((end) => rmSync(path + end, { force: true }));

/** Makes a file of answers that its owner alone can read, and waits until it is on the disk. */
export function create(path: string, { test, listeners, answers }: Whole): void {
  closeSync(openSync(path, 'a', 0o600));
  const database = openDatabase(path);
  try {
    database.exec(`pragma journal_mode = wal; pragma synchronous = full; begin; ${tables}`);
    database.exec(`pragma user_version = ${fileVersion}`);
    if (test) writeRow(database, testTable, { ...test, version: fileVersion });
    for (const listener of listeners) writeRow(database, listenerTable, listener);
    for (const answer of answers) writeRow(database, answerTable, answer);
    database.exec('commit; pragma wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
  for (const end of companions.slice(1)) rmSync(path + end, { force: true });
  syncFile(path);
  syncFolder(dirname(path));
}

/**
 * Keeps a copy of a file of answers, and of its log, beside it.
 * @returns its path
 */
export function keepCopy(path: string, why: 'damaged' | 'version-1'): string {
  let kept = '';
  for (let n = 1; kept === '' || existsSync(kept); n++) kept = path.replace(/(\.sqlite)?$/, `.${why}-${n}.sqlite`);
  for (const end of ['', '-wal']) {
    if (!existsSync(path + end)) continue;
    copyFileSync(path + end, kept + end, constants.COPYFILE_EXCL);
    chmodSync(kept + end, 0o600);
    syncFile(kept + end);
  }
  syncFolder(dirname(path));
  return kept;
}

/** Puts a new file with all that is whole in the place of a damaged or old one, which nobody may have open. */
export function replace(path: string, whole: Whole): void {
  const fresh = claimTemporary(path);
  try {
    create(fresh, whole);
    // SQLite would apply the old log to the new file.
    for (const end of companions.slice(1)) rmSync(path + end, { force: true });
    renameSync(fresh, path);
    syncFolder(dirname(path));
  } finally {
    removeDatabase(fresh);
    release(fresh);
  }
}

/**
 * SQLite takes a write-ahead log up to the first frame whose checksum is wrong, and says nothing of what follows. After
 * a power cut that is a transaction which nobody was told of, and otherwise damage; which one cannot be known, so it is
 * said (https://www.sqlite.org/fileformat.html#the_write_ahead_log).
 */
export function walDamage(path: string): string[] {
  const wal = `${path}-wal`;
  const changed = () => statSync(wal, { throwIfNoEntry: false })?.mtimeMs;
  const before = changed();
  if (before === undefined) return [];
  const found = readLog(wal);
  if (found === undefined) return [];
  // Another process may just be writing it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  return changed() === before && readLog(wal) === found ? [found] : [];
}

function readLog(wal: string): string | undefined {
  const file = openSync(wal, 'r');
  try {
    const header = Buffer.alloc(32);
    const bytes = fstatSync(file).size;
    if (readSync(file, header, 0, 32, 0) < 32) return undefined;
    const magic = header.readUInt32BE(0);
    const pageSize = header.readUInt32BE(8);
    const bigEndian = (magic & 1) === 1;
    let sum = walSum(header.subarray(0, 24), bigEndian, [0, 0]);
    if (magic >>> 1 !== 0x377f0682 >>> 1 || sum[0] !== header.readUInt32BE(24) || sum[1] !== header.readUInt32BE(28))
      return 'the head of its log (-wal) is damaged: answers that came before the server stopped may be missing';
    const frame = Buffer.alloc(24 + pageSize);
    // Where the first frame begins that does not follow from those before it.
    let bad: number | undefined;
    for (let at = 32; at + frame.length <= bytes; at += frame.length) {
      readSync(file, frame, 0, frame.length, at);
      const current = frame.compare(header, 16, 24, 8, 16) === 0;
      if (bad === undefined) {
        sum = walSum(frame.subarray(24), bigEndian, walSum(frame.subarray(0, 8), bigEndian, sum));
        if (!current || sum[0] !== frame.readUInt32BE(16) || sum[1] !== frame.readUInt32BE(20)) bad = at;
      }
      // Frames with other salts are left from before the log began anew, unless one of this log follows them.
      if (bad !== undefined && current)
        return `its log (-wal) is damaged from byte ${bad}: answers that came just before the server stopped may be missing`;
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

function walSum(bytes: Buffer, bigEndian: boolean, [a, b]: [number, number]): [number, number] {
  const word = (at: number) => (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at));
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    a = (a + word(at) + b) >>> 0;
    b = (b + word(at + 4) + a) >>> 0;
  }
  return [a, b];
}
