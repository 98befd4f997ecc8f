import { createHash } from 'node:crypto';
import { z } from 'zod';
import { answerSchema, headphoneSchema } from './answers.js';
import { all, type Cell, type Database, get, run } from './database.js';
import type { Listener, StoredAnswer } from './records.js';

// What the tables hold, and how a row is known to be whole. SQLite has no checksums of its own, so every row carries a
// digest of itself: a bit that flips on the disk makes a row that is left out, and not another answer.

export const tables = `
  create table if not exists test (
    id integer primary key check (id = 1), version integer not null, fingerprint text not null, settings text not null,
    digest blob not null
  ) strict;
  create table if not exists listeners (
    id integer primary key, token text not null unique, slot integer not null, participant text, plan text not null,
    started integer not null, headphones text, comment text, finished integer, digest blob not null
  ) strict;
  create index if not exists listeners_slot on listeners (slot);
  create table if not exists answers (
    listener integer not null references listeners (id), trial integer not null,
    ratings text not null, heard text not null, seconds real not null, done integer not null, saved integer not null,
    digest blob not null,
    primary key (listener, trial)
  ) strict, without rowid;`;

/** Of the file, to be raised when a table changes: SQLite's user_version, and `version` in the table test. */
export const fileVersion = 2;

type Kind = 'text' | 'integer' | 'real';

/** A table: the kinds of its columns without the digest, and what makes up its key. */
export interface Table<Row> {
  readonly name: string;
  readonly columns: Readonly<Record<keyof Row & string, Kind>>;
  readonly key: readonly (keyof Row & string)[];
}

export interface TestRow {
  readonly id: number;
  readonly version: number;
  readonly fingerprint: string;
  readonly settings: string;
}
export interface ListenerRow extends Omit<Listener, 'plan' | 'headphones'> {
  readonly token: string;
  readonly plan: string;
  readonly headphones: string | null;
}
export interface AnswerRow extends Omit<StoredAnswer, 'ratings' | 'heard' | 'done'> {
  readonly ratings: string;
  readonly heard: string;
  readonly done: number;
}

export const testTable: Table<TestRow> = {
  name: 'test',
  columns: { id: 'integer', version: 'integer', fingerprint: 'text', settings: 'text' },
  key: ['id'],
};
export const listenerTable: Table<ListenerRow> = {
  name: 'listeners',
  columns: {
    id: 'integer',
    token: 'text',
    slot: 'integer',
    participant: 'text',
    plan: 'text',
    started: 'integer',
    headphones: 'text',
    comment: 'text',
    finished: 'integer',
  },
  key: ['id'],
};
export const answerTable: Table<AnswerRow> = {
  name: 'answers',
  columns: {
    listener: 'integer',
    trial: 'integer',
    ratings: 'text',
    heard: 'text',
    seconds: 'real',
    done: 'integer',
    saved: 'integer',
  },
  key: ['listener', 'trial'],
};

/** A row whose bytes are not those that were written. */
export class DamagedRow extends Error {}

/** Text goes in and out as bytes: SQLite's text ends at the first zero for most bindings, and need not be UTF-8. */
const asText = 'cast(? as text)';

/** The first 16 bytes of the SHA-256 of a row as JSON. */
function digestOf<Row extends object>(table: Table<Row>, row: Row): Buffer {
  const cells = Object.keys(table.columns).map((column) => row[column as keyof Row]);
  return createHash('sha256')
    .update(JSON.stringify([table.name, ...cells]))
    .digest()
    .subarray(0, 16);
}

/** Puts a row into its table, in the place of one with the same key. */
export function writeRow<Row extends object>(database: Database, table: Table<Row>, row: Row): void {
  const columns = Object.keys(table.columns) as (keyof Row & string)[];
  // Half of a surrogate pair has no UTF-8: the digest is of what the file will hold.
  const stored = Object.fromEntries(
    columns.map((column) => [
      column,
      typeof row[column] === 'string' ? Buffer.from(row[column]).toString() : row[column],
    ]),
  ) as Row;
  const others = columns.filter((column) => !table.key.includes(column));
  run(
    database,
    `insert into ${table.name} (${columns.join(', ')}, digest)
     values (${columns.map((column) => (table.columns[column] === 'text' ? asText : '?')).join(', ')}, ?)
     on conflict (${table.key.join(', ')}) do update
     set ${[...others, 'digest'].map((column) => `${column} = excluded.${column}`).join(', ')}`,
    ...columns.map((column) => {
      const value = stored[column] as Cell;
      return typeof value === 'string' ? Buffer.from(value) : value;
    }),
    digestOf(table, stored),
  );
}

/**
 * Rows of a table, in the order of the key.
 * @param where a condition with question marks for `values`
 */
export function rawRows<Row extends object>(
  database: Database,
  table: Table<Row>,
  where = 'true',
  ...values: Cell[]
): Record<string, unknown>[] {
  // The kind that a damaged row claims for a cell may be another one than the table's.
  const columns = Object.entries<Kind>(table.columns).map(([column, kind]) =>
    table.key.includes(column as never) ? column : `cast(${column} as ${kind === 'text' ? 'blob' : kind}) as ${column}`,
  );
  if (hasDigests(database)) columns.push('cast(digest as blob) as digest');
  return all(
    database,
    `select ${columns.join(', ')} from ${table.name} where ${where} order by ${table.key.join(', ')}`,
    ...values,
  );
}

export const userVersion = (database: Database): number | undefined =>
  get<{ user_version: number }>(database, 'pragma user_version')?.user_version;

const withDigests = new WeakMap<Database, boolean>();

/**
 * Whether the rows of a file have digests. Those of version 1 have none. Three signs must agree, so that damage does
 * not make a file look as if it were one of version 1.
 * @throws {DamagedRow} if they do not
 */
export function hasDigests(database: Database): boolean {
  const known = withDigests.get(database);
  if (known !== undefined) return known;
  const version = userVersion(database);
  const columns = [testTable, listenerTable, answerTable].flatMap(({ name }) =>
    all<{ name: Uint8Array }>(database, 'select cast(name as blob) as name from pragma_table_info(?)', name),
  );
  const names = columns.map(({ name }) => Buffer.from(name).toString());
  const expected = [testTable, listenerTable, answerTable].map(({ columns }) => Object.keys(columns));
  const first = expected.flat().join();
  const second = expected.flatMap((own) => [...own, 'digest']).join();
  const has = version === fileVersion && names.join() === second;
  if (!has && !(version === 0 && names.join() === first)) throw new DamagedRow('the layout of the tables');
  withDigests.set(database, has);
  return has;
}

/**
 * Checks a row and gives its cells their types.
 * @throws {DamagedRow} if it is not what was written; of a row without digest, if it cannot be
 */
export function checked<Row extends object>(table: Table<Row>, raw: Record<string, unknown>): Row {
  const name = `${table.name} ${table.key.map((column) => String(raw[column])).join(', ')}`;
  const row = Object.fromEntries(
    Object.entries<Kind>(table.columns).map(([column, kind]) => {
      const cell = raw[column];
      return [column, kind === 'text' && cell instanceof Uint8Array ? Buffer.from(cell).toString() : cell];
    }),
  ) as Row;
  if (!('digest' in raw)) {
    if (!plausible(table.name, row)) throw new DamagedRow(name);
  } else if (!(raw.digest instanceof Uint8Array) || !digestOf(table, row).equals(raw.digest))
    throw new DamagedRow(name);
  return row;
}

const count = z.int().min(0);
const trialSchema = z.strictObject({
  clip: z.string().min(1),
  signals: z.array(z.string().min(1)).min(1).max(16),
  role: z.enum(['practice', 'test', 'trap']),
});
const json = <T extends z.ZodType>(schema: T) =>
  z.string().refine((text) => {
    try {
      return schema.safeParse(JSON.parse(text)).success;
    } catch {
      return false;
    }
  });
const clean = z.string().refine((text) => !text.includes('\ufffd'));
const shapes: Record<string, z.ZodType> = {
  test: z.strictObject({ id: count, version: count, fingerprint: clean, settings: json(z.looseObject({})) }),
  listeners: z.strictObject({
    id: count,
    token: z.string().regex(/^[0-9a-f]{64}$/),
    slot: count,
    participant: clean.nullable(),
    plan: json(z.array(trialSchema)),
    started: count,
    headphones: json(headphoneSchema).nullable(),
    comment: z.string().nullable(),
    finished: count.nullable(),
  }),
  answers: z.strictObject({
    listener: count,
    trial: count,
    ratings: json(answerSchema.shape.ratings),
    heard: json(answerSchema.shape.heard),
    seconds: answerSchema.shape.seconds,
    done: z.int().min(0).max(1),
    saved: count,
  }),
};
/** Whether a row of version 1 can be one that was written. */
const plausible = (table: string, row: object): boolean => shapes[table].safeParse(row).success;

export function listenerFrom({ token: _token, plan, headphones, ...rest }: ListenerRow): Listener {
  return { ...rest, plan: JSON.parse(plan), headphones: headphones === null ? null : JSON.parse(headphones) };
}

export function answerFrom({ ratings, heard, done, ...rest }: AnswerRow): StoredAnswer {
  return { ...rest, ratings: JSON.parse(ratings), heard: JSON.parse(heard), done: done === 1 };
}
