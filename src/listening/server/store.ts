import { createHash, randomBytes } from 'node:crypto';
import Database from 'libsql';
import { TtsError } from '../../base/errors.js';
import type { Answer, HeadphoneResult } from '../protocol.js';
import type { Trial } from '../study/plan.js';

/** To be raised when a table changes. */
const version = 1;
/** A listener who has not finished and was silent for this long, in ms, loses the place in the plan to the next one. */
const abandonedAfter = 24 * 3600_000;

const tables = `
  create table if not exists test (
    id integer primary key check (id = 1), version integer not null, fingerprint text not null, settings text not null
  ) strict;
  create table if not exists listeners (
    id integer primary key, token text not null unique, slot integer not null, participant text, plan text not null,
    started integer not null, headphones text, comment text, finished integer
  ) strict;
  create index if not exists listeners_slot on listeners (slot);
  create table if not exists answers (
    listener integer not null references listeners (id), trial integer not null,
    ratings text not null, heard text not null, seconds real not null, done integer not null, saved integer not null,
    primary key (listener, trial)
  ) strict, without rowid;`;

/** A listener as the server knows one. Times are milliseconds since 1970. */
export interface Listener {
  readonly id: number;
  /** Place in the plan. */
  readonly slot: number;
  readonly participant: string | null;
  readonly plan: readonly Trial[];
  readonly started: number;
  readonly headphones: HeadphoneResult | null;
  readonly comment: string | null;
  readonly finished: number | null;
}

/** An answer with where it belongs. */
export interface StoredAnswer extends Answer {
  readonly listener: number;
  readonly trial: number;
  readonly saved: number;
}

interface ListenerRow extends Omit<Listener, 'plan' | 'headphones'> {
  readonly plan: string;
  readonly headphones: string | null;
}
/** Something to write. `run` returns what is to be called when it is on the disk. */
interface Job {
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}
interface AnswerRow extends Omit<StoredAnswer, 'ratings' | 'heard' | 'done'> {
  readonly ratings: string;
  readonly heard: string;
  readonly done: number;
}

/** A token is the only proof of who a listener is. The database holds hashes, so that a reader learns no token. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const listenerColumns = 'id, slot, participant, plan, started, headphones, comment, finished';

/**
 * Listeners and answers in an SQLite file. What a method has written is on the disk when its promise resolves
 * (write-ahead log, synchronous = FULL), whatever happens to the process then. What is written at about the same time
 * goes to the disk together, because waiting for the disk is what takes the time.
 */
export class AnswerStore {
  private readonly database: Database.Database;
  private waiting: Job[] = [];

  private constructor(path: string) {
    this.database = new Database(path, { timeout: 5000 });
    this.database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
    this.database.exec(tables);
  }

  /**
   * Opens the answers to a study, or a new file for them.
   * @param path of the file, or `:memory:`
   * @param fingerprint of what must not change while there are answers
   * @param settings to be kept with them
   * @throws {TtsError} ERR_LISTENING_TEST if the file has the answers to another test, or is no such file
   */
  static open(path: string, fingerprint: string, settings: object): AnswerStore {
    const store = AnswerStore.read(path);
    const known = store.record();
    if (known === undefined)
      store.database
        .prepare('insert into test (id, version, fingerprint, settings) values (1, ?, ?, ?)')
        .run(version, fingerprint, JSON.stringify(settings));
    else if (known.version !== version)
      throw new TtsError('ERR_LISTENING_TEST', `${path} has version ${known.version}, expected ${version}`);
    else if (known.fingerprint !== fingerprint) {
      if (store.listeners().length > 0)
        throw new TtsError(
          'ERR_LISTENING_TEST',
          `${path} has the answers to another version of this test (its clips or settings have changed); ` +
            'move it away to start afresh, or restore the test',
        );
      store.database
        .prepare('update test set fingerprint = ?, settings = ?')
        .run(fingerprint, JSON.stringify(settings));
    }
    return store;
  }

  /** Opens answers to read them, whatever study they belong to. */
  static read(path: string): AnswerStore {
    try {
      return new AnswerStore(path);
    } catch (error) {
      throw new TtsError(
        'ERR_LISTENING_TEST',
        `${path} cannot be opened as a database of answers: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** The settings that were kept with the answers. */
  settings(): unknown {
    return JSON.parse(this.record()?.settings ?? 'null');
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
      const { lastInsertRowid } = this.database
        .prepare('insert into listeners (token, slot, participant, plan, started) values (?, ?, ?, ?, ?)')
        .run(hashOf(token), slot, participant, JSON.stringify(plan), now);
      return {
        token,
        listener: {
          id: Number(lastInsertRowid),
          slot,
          participant,
          plan,
          started: now,
          headphones: null,
          comment: null,
          finished: null,
        },
      };
    });
  }

  find(token: string): Listener | undefined {
    const row = this.database.prepare(`select ${listenerColumns} from listeners where token = ?`).get(hashOf(token)) as
      ListenerRow | undefined;
    return row && listenerFrom(row);
  }

  listeners(): Listener[] {
    return (this.database.prepare(`select ${listenerColumns} from listeners order by id`).all() as ListenerRow[]).map(
      listenerFrom,
    );
  }

  /**
   * Saves an answer in place of an earlier one. A trial that is done stays done: a draft that arrives late changes
   * nothing.
   */
  save(listener: number, trial: number, { ratings, heard, seconds, done }: Answer, now = Date.now()): Promise<unknown> {
    return this.write(() =>
      this.database
        .prepare(
          `insert into answers (listener, trial, ratings, heard, seconds, done, saved) values (?, ?, ?, ?, ?, ?, ?)
           on conflict do update set ratings = excluded.ratings, heard = excluded.heard, seconds = excluded.seconds,
             done = excluded.done, saved = excluded.saved
           where excluded.done >= answers.done`,
        )
        .run(listener, trial, JSON.stringify(ratings), JSON.stringify(heard), seconds, Number(done), now),
    );
  }

  /** Of a listener, or of all. */
  answers(listener?: number): StoredAnswer[] {
    const select = 'select listener, trial, ratings, heard, seconds, done, saved from answers';
    const rows =
      listener === undefined
        ? this.database.prepare(`${select} order by listener, trial`).all()
        : this.database.prepare(`${select} where listener = ? order by trial`).all(listener);
    return (rows as AnswerRow[]).map(({ listener: id, trial, ratings, heard, seconds, done, saved }) => ({
      listener: id,
      trial,
      ratings: JSON.parse(ratings),
      heard: JSON.parse(heard),
      seconds,
      done: done === 1,
      saved,
    }));
  }

  saveHeadphones(listener: number, result: HeadphoneResult): Promise<unknown> {
    return this.write(() =>
      this.database.prepare('update listeners set headphones = ? where id = ?').run(JSON.stringify(result), listener),
    );
  }

  finish(listener: number, comment: string, now = Date.now()): Promise<unknown> {
    return this.write(() =>
      this.database
        .prepare('update listeners set comment = ?, finished = coalesce(finished, ?) where id = ?')
        .run(comment, now, listener),
    );
  }

  /** Writes what is still waiting, and closes the file. */
  close(): void {
    this.commit();
    this.database.close();
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
      this.database.exec('begin immediate');
      for (const { run, reject } of jobs) {
        try {
          tell.push(run());
        } catch (error) {
          tell.push(() => reject(error));
        }
      }
      this.database.exec('commit');
    } catch (error) {
      if (this.database.inTransaction) this.database.exec('rollback');
      for (const { reject } of jobs) reject(error);
      return;
    }
    for (const one of tell) one();
  }

  private record(): { version: number; fingerprint: string; settings: string } | undefined {
    return this.database.prepare('select version, fingerprint, settings from test').get() as
      { version: number; fingerprint: string; settings: string } | undefined;
  }

  /** The lowest place that nobody has finished or is working on. */
  private freeSlot(now: number): number {
    const rows = this.database
      .prepare(
        `select distinct slot from listeners
         left join (select listener, max(saved) as last from answers group by listener) on listener = listeners.id
         where finished is not null or coalesce(last, started) > ? order by slot`,
      )
      .all(now - abandonedAfter) as { slot: number }[];
    const free = rows.findIndex(({ slot }, i) => slot !== i);
    return free < 0 ? rows.length : free;
  }
}

function listenerFrom({ id, slot, participant, plan, started, headphones, comment, finished }: ListenerRow): Listener {
  return {
    id,
    slot,
    participant,
    plan: JSON.parse(plan),
    started,
    headphones: headphones === null ? null : JSON.parse(headphones),
    comment,
    finished,
  };
}
