import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';

// The interface of node:sqlite, which Node.js 20 does not have, from its own source (@photostructure/sqlite).

export type Database = DatabaseSyncInstance;
export type Cell = string | number | null;
type Value = Cell | Uint8Array;

/** @param path of the file, or `:memory:` */
export function openDatabase(path: string): Database {
  const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    database.exec('pragma cell_size_check = on; pragma trusted_schema = off');
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

const prepared = new WeakMap<Database, Map<string, StatementSyncInstance>>();

/** The binding frees a statement only when it is collected, so each is made once. */
function statement(database: Database, sql: string): StatementSyncInstance {
  const known = prepared.get(database) ?? new Map<string, StatementSyncInstance>();
  prepared.set(database, known);
  const one = known.get(sql) ?? database.prepare(sql);
  known.set(sql, one);
  return one;
}

export const all = <Row>(database: Database, sql: string, ...values: Value[]): Row[] =>
  statement(database, sql).all(...values) as Row[];
export const get = <Row>(database: Database, sql: string, ...values: Value[]): Row | undefined =>
  statement(database, sql).get(...values) as Row | undefined;
export const run = (database: Database, sql: string, ...values: Value[]): void =>
  void statement(database, sql).run(...values);

/** Whether another connection has a file open. The log of one that nobody uses is ended. */
export function inUse(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Leaving the write-ahead log needs a file that nobody else has open.
    database.exec('pragma journal_mode = delete');
    return false;
  } catch (error) {
    // All else that fails here fails because of damage.
    return (error as { errcode?: number }).errcode === 5;
  } finally {
    database.close();
  }
}

/**
 * Closes a file with everything in it, and nothing in its log. SQLite itself would do so, but only when there are no
 * statements left.
 */
export function closeDatabase(database: Database): void {
  try {
    if (database.location() !== null) database.exec('pragma wal_checkpoint(truncate)');
  } catch {
    // Damaged, or in use: the log stays, and the next one who opens the file reads it.
  }
  database.close();
}
