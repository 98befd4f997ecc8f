import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { TtsError } from '../../base/errors.js';
import type { Answer, HeadphoneResult } from '../protocol.js';
import type { Trial } from '../study/plan.js';
import { all, type Cell, closeDatabase, type Database, get, inUse, openDatabase } from './database.js';
import type { Answers, Listener, StoredAnswer } from './records.js';
import {
  answerFrom,
  answerTable,
  checked,
  DamagedRow,
  fileVersion,
  listenerFrom,
  type ListenerRow,
  listenerTable,
  rawRows,
  type Table,
  tables,
  type TestRow,
  testTable,
  writeRow,
} from './rows.js';
import { create, inspect, keepCopy, message, nothing, replace, walDamage } from './salvage.js';

/** A listener who has not finished and was silent for this long, in ms, loses the place in the plan to the next one. */
const abandonedAfter = 24 * 3600_000;

/** Something to write. `run` returns what is to be called when it is on the disk. */
interface Job {
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}
/** A token is the only proof of who a listener is. The database holds hashes, so that a reader learns no token. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export interface OpenOptions {
  /** The plan of each place, which says whether listeners belong to this study where the file no longer does. */
  readonly planFor?: (slot: number) => readonly Trial[];
  /** Told what was mended in the file. */
  readonly onNote?: (note: string) => void;
}

/**
 * Listeners and answers in an SQLite file. What a method has written is on the disk when its promise resolves
 * (write-ahead log, synchronous = FULL), whatever happens to the process then. What is written at about the same time
 * goes to the disk together, because waiting for the disk is what takes the time.
 */
export class AnswerStore implements Answers {
  private waiting: Job[] = [];
  private changes = 0;
  /** Where the file was when it was opened: it may be moved away meanwhile. */
  private readonly file: { readonly dev: number; readonly ino: number } | undefined;

  private readonly told = new Set<string>();

  private constructor(
    private readonly path: string,
    private readonly database: Database,
    private readonly onNote: (note: string) => void,
  ) {
    this.file = path === memory ? undefined : statSync(path);
  }

  /**
   * Opens the answers to a study, or a new file for them. From a file that is damaged all that is whole is taken; the
   * file itself is kept beside the new one.
   * @param path of the file, or `:memory:`
   * @param fingerprint of what must not change while there are answers
   * @param settings to be kept with them
   * @throws {TtsError} ERR_LISTENING_TEST if the file has the answers to another test, or is no such file
   */
  static open(path: string, fingerprint: string, settings: object, options: OpenOptions = {}): AnswerStore {
    if (path !== memory) mend(path, options.onNote);
    const store = AnswerStore.attach(path, options.onNote);
    try {
      store.belongTo(fingerprint, settings, options.planFor);
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  }

  /** Opens a file that is known to be whole. */
  private static attach(path: string, onNote: (note: string) => void = () => undefined): AnswerStore {
    return explained(path, () => {
      const database = openDatabase(path);
      database.exec('pragma journal_mode = wal; pragma synchronous = full;');
      if (path === memory) database.exec(`${tables}; pragma user_version = ${fileVersion}`);
      return new AnswerStore(path, database, onNote);
    });
  }

  /**
   * All that is whole in a file of answers, whatever study they belong to. The file may be in use.
   * @throws {TtsError} ERR_LISTENING_TEST if it is no such file, or nothing of it is whole
   */
  static read(path: string): Answers & { find(token: string): Listener | undefined } {
    const { test, listeners, answers, damage } = explained(path, () => {
      const lost = walDamage(path);
      const whole = inspect(path);
      return { ...whole, damage: [...lost, ...whole.damage] };
    });
    const known = listeners.map(listenerFrom);
    return {
      settings: () => JSON.parse(test?.settings ?? 'null'),
      listeners: () => known,
      answers: () => answers.map(answerFrom),
      damage,
      find: (token) => known[listeners.findIndex((listener) => listener.token === hashOf(token))],
    };
  }

  /** What was found damaged while the file was open. */
  get damage(): readonly string[] {
    return [...this.told];
  }

  settings(): unknown {
    return JSON.parse(this.record()?.settings ?? 'null');
  }

  /** Changes whenever something was written, by this process or by another. */
  version(): string {
    const others = get<{ data_version: number }>(this.database, 'pragma data_version')?.data_version;
    return `${this.changes} ${others}`;
  }

  /** Adds a listener, in the first free place of the plan. The token is not stored and cannot be recovered. */
  register(
    planFor: (slot: number) => readonly Trial[],
    participant: string | null,
    now = Date.now(),
  ): Promise<{ token: string; listener: Listener }> {
    return this.write(() => {
      const token = randomBytes(32).toString('base64url');
      const slot = this.freeSlot(now);
      const plan = planFor(slot);
      const last = get<{ id: number | null }>(this.database, 'select max(id) as id from listeners')?.id ?? 0;
      const listener = {
        id: last + 1,
        slot,
        participant,
        plan,
        started: now,
        headphones: null,
        comment: null,
        finished: null,
      };
      writeRow(this.database, listenerTable, { ...listener, token: hashOf(token), plan: JSON.stringify(plan) });
      return { token, listener };
    });
  }

  /** The listener with a token; none also where the row is damaged. */
  find(token: string): Listener | undefined {
    const row = this.rows(listenerTable, 'token = ?', hashOf(token)).at(0);
    return row && listenerFrom(row);
  }

  listeners(): Listener[] {
    return this.rows(listenerTable).map(listenerFrom);
  }

  /**
   * Saves an answer in place of an earlier one. A trial that is done stays done: a draft that arrives late changes
   * nothing.
   * @returns whether it was accepted: after the end nothing is
   */
  save(listener: number, trial: number, answer: Answer, now = Date.now()): Promise<boolean> {
    return this.write(() => {
      if (this.hasFinished(listener)) return false;
      const { ratings, heard, seconds, done } = answer;
      const earlier = this.rows(answerTable, 'listener = ? and trial = ?', listener, trial).at(0);
      if (earlier?.done === 1 && !done) return true;
      writeRow(this.database, answerTable, {
        listener,
        trial,
        ratings: JSON.stringify(ratings),
        heard: JSON.stringify(heard),
        seconds,
        done: Number(done),
        saved: now,
      });
      return true;
    });
  }

  /** Of a listener, or of all. */
  answers(listener?: number): StoredAnswer[] {
    const rows = listener === undefined ? this.rows(answerTable) : this.rows(answerTable, 'listener = ?', listener);
    return rows.map(answerFrom);
  }

  /** @returns whether it was accepted */
  saveHeadphones(listener: number, result: HeadphoneResult): Promise<boolean> {
    return this.write(() => {
      if (this.hasFinished(listener)) return false;
      return this.change(listener, { headphones: JSON.stringify(result) });
    });
  }

  /**
   * Ends a listener's part.
   * @returns whether it was accepted: a second time only the same is, which comes from a lost connection
   */
  finish(listener: number, comment: string, now = Date.now()): Promise<boolean> {
    return this.write(() => {
      const row = this.rows(listenerTable, 'id = ?', listener).at(0);
      if (row && row.finished !== null) return row.comment === Buffer.from(comment).toString();
      return this.change(listener, { comment, finished: now });
    });
  }

  /** Writes what is still waiting, and closes the file. */
  close(): void {
    this.commit();
    closeDatabase(this.database);
  }

  private hasFinished(listener: number): boolean {
    const row = this.rows(listenerTable, 'id = ?', listener).at(0);
    return row !== undefined && row.finished !== null;
  }

  private change(listener: number, cells: Partial<ListenerRow>): boolean {
    const row = this.rows(listenerTable, 'id = ?', listener).at(0);
    if (row === undefined) throw new Error(`the row of listener ${listener} is damaged`);
    writeRow(this.database, listenerTable, { ...row, ...cells });
    return true;
  }

  /** The rows that are whole. */
  private rows<Row extends object>(table: Table<Row>, where?: string, ...values: Cell[]): Row[] {
    return rawRows(this.database, table, where, ...values).flatMap((raw) => {
      try {
        return [checked(table, raw)];
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        if (!this.told.has(error.message))
          this.onNote(`${this.path}: ${error.message} is damaged and left out; start tts-listen serve anew to mend it`);
        this.told.add(error.message);
        return [];
      }
    });
  }

  private write<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const value = work();
        return () => resolve(value);
      };
      if (this.waiting.push({ run, reject }) === 1) setImmediate(() => this.commit());
    });
  }

  /** Writes all that waits in one transaction. A statement that fails undoes itself and nothing else. */
  private commit(): void {
    const jobs = this.waiting;
    this.waiting = [];
    if (jobs.length === 0) return;
    const tell: (() => void)[] = [];
    try {
      this.checkPlace();
      this.database.exec('begin immediate');
      for (const { run, reject } of jobs) {
        try {
          tell.push(run());
        } catch (error) {
          tell.push(() => reject(error));
        }
      }
      this.database.exec('commit');
      this.changes++;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('rollback');
      for (const { reject } of jobs) reject(error);
      return;
    }
    for (const one of tell) one();
  }

  /** SQLite goes on writing into a file that has no name any more, and all of it would be lost. */
  private checkPlace(): void {
    if (this.file === undefined) return;
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now?.ino !== this.file.ino || now.dev !== this.file.dev)
      throw new Error(
        `${this.path} was moved, replaced or removed; nothing is saved until tts-listen serve starts anew`,
      );
  }

  /** Checks that a file belongs to a study, and notes it in a new one. */
  private belongTo(fingerprint: string, settings: object, planFor: OpenOptions['planFor']): void {
    const known = this.record();
    const listeners = this.listeners();
    const note = () =>
      writeRow(this.database, testTable, {
        id: 1,
        version: fileVersion,
        fingerprint,
        settings: JSON.stringify(settings),
      });
    if (known === undefined && listeners.length > 0) {
      // The row was damaged. The plans tell whether the listeners were of this study.
      const same = listeners.every(
        ({ slot, plan }) => planFor !== undefined && JSON.stringify(planFor(slot)) === JSON.stringify(plan),
      );
      if (!same)
        throw new TtsError(
          'ERR_LISTENING_TEST',
          `${this.path} no longer says to which test its answers belong, and the plans of its listeners are not those ` +
            'of this folder; restore the test as it was when they were given',
        );
      return void note();
    }
    if (known !== undefined && known.version > fileVersion)
      throw new TtsError('ERR_LISTENING_TEST', `${this.path} has version ${known.version}, expected ${fileVersion}`);
    if (known?.fingerprint === fingerprint) return;
    if (listeners.length > 0)
      throw new TtsError(
        'ERR_LISTENING_TEST',
        `${this.path} has the answers to another version of this test (its clips or settings have changed); ` +
          'move it away to start afresh, or restore the test',
      );
    note();
  }

  private record(): TestRow | undefined {
    return this.rows(testTable).at(0);
  }

  /** The lowest place that nobody has finished or is working on. */
  private freeSlot(now: number): number {
    const rows = all<{ slot: number }>(
      this.database,
      `select distinct slot from listeners
       left join (select listener, max(saved) as last from answers group by listener) on listener = listeners.id
       where finished is not null or coalesce(last, started) > ? order by slot`,
      now - abandonedAfter,
    );
    const free = rows.findIndex(({ slot }, i) => slot !== i);
    return free < 0 ? rows.length : free;
  }
}

const memory = ':memory:';

/** Makes a file whole, if it is not: see `AnswerStore.open`. */
function mend(path: string, onNote?: (note: string) => void): void {
  explained(path, () => {
    if (!existsSync(path)) return create(path, nothing);
    // Opening the file ends what its log holds, so the log is looked at, and kept, before.
    const lost = walDamage(path);
    if (lost.length === 0 && inUse(path)) return; // Whoever serves it has looked at it.
    let kept = lost.length > 0 ? keepCopy(path, 'damaged') : undefined;
    const whole = inspect(path);
    const damage = [...lost, ...whole.damage];
    if (damage.length > 0) {
      kept ??= keepCopy(path, 'damaged');
      replace(path, whole);
      onNote?.(
        `${path} was damaged: ${damage.slice(0, 5).join('; ')}` +
          `${damage.length > 5 ? `; and ${damage.length - 5} more` : ''}. ${whole.listeners.length} listeners and ` +
          `${whole.answers.length} answers are whole and kept; the damaged file is ${kept}`,
      );
    } else if (whole.version !== fileVersion) {
      kept = keepCopy(path, 'version-1');
      replace(path, whole);
      onNote?.(
        `${path} was of version ${whole.version + 1} and is now of version ${fileVersion}; the old one is ${kept}`,
      );
    }
  });
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TtsError) throw error;
    throw new TtsError(
      'ERR_LISTENING_TEST',
      `${path} cannot be opened as a database of answers: ${message(error)}; move it away to start afresh`,
      { cause: error },
    );
  }
}
