/**
 * A field of CSV, quoted where needed (RFC 4180).
 *
 * A spreadsheet takes text that begins with one of = + - @ (also in their full-width forms), a tab or a line end for a
 * formula, and may run it. Such text gets a single quote before it, which spreadsheets take for "this is text". Numbers
 * stay as they are.
 */
export function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Lines of CSV, each ended by CR and LF (RFC 4180). */
export const csvLines = (rows: readonly (readonly (string | number)[])[]): string =>
  rows.map((cells) => `${cells.map(csvField).join(',')}\r\n`).join('');
