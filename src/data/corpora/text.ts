import { TtsError } from '../../base/errors.js';

/**
 * The text in a file that people have written: UTF-8, or UTF-16 in either byte order, with or without a byte order
 * mark; marks further in, as files have that were put together from several, are left out too. Lines end with LF, CR LF
 * or CR alone; see `linesOf`.
 *
 * @param path names the file in messages
 * @throws {TtsError} ERR_CORPUS for another encoding, with the first byte that is not UTF-8
 */
export function decodeText(bytes: Buffer, path: string): string {
  const text = new TextDecoder(encodingOf(bytes, path), { fatal: true });
  try {
    const decoded = text.decode(bytes).replaceAll('\ufeff', '');
    const nul = decoded.indexOf('\0');
    if (nul >= 0)
      throw new TtsError(
        'ERR_CORPUS',
        `${path} has a NUL character in line ${lineAt(decoded, nul)}, expected text; save it again as UTF-8`,
      );
    return decoded;
  } catch (error) {
    if (error instanceof TtsError) throw error;
    throw new TtsError('ERR_CORPUS', notUtf8(bytes, path), { cause: error });
  }
}

/** The lines of a text, whatever they end with. */
export const linesOf = (text: string): string[] => text.split(/\r\n|\r|\n/);

/** Names are equal if they look so: macOS writes accents as signs of their own (NFD), others as one letter (NFC). */
export const sameName = (name: string): string => name.normalize('NFC');

function encodingOf(bytes: Buffer, path: string): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const begins = (...mark: number[]) => mark.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0xfe, 0, 0) || begins(0, 0, 0xfe, 0xff))
    throw new TtsError('ERR_CORPUS', `${path} is UTF-32, expected UTF-8; save it again as UTF-8`);
  if (begins(0xff, 0xfe)) return 'utf-16le';
  if (begins(0xfe, 0xff)) return 'utf-16be';
  // Without a mark: of the letters of most languages, and of the signs between fields, every other byte is zero.
  const zeros = [0, 0];
  bytes.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]++;
  });
  const least = bytes.length / 8;
  if (bytes.length % 2 === 0 && zeros[1] > least && zeros[0] === 0) return 'utf-16le';
  if (bytes.length % 2 === 0 && zeros[0] > least && zeros[1] === 0) return 'utf-16be';
  return 'utf-8';
}

const lineAt = (text: string, position: number) => linesOf(text.slice(0, position)).length;

function notUtf8(bytes: Buffer, path: string): string {
  // What cannot be decoded becomes U+FFFD; what came before it is the same in both.
  const decoded = bytes.toString('utf8');
  const at = decoded.indexOf('\ufffd');
  const before = decoded.slice(0, Math.max(0, at));
  const byte = bytes[Buffer.byteLength(before)] ?? 0;
  return (
    `${path} is not UTF-8: byte 0x${byte.toString(16).padStart(2, '0')} in line ${lineAt(before, before.length)} after ` +
    `"${(linesOf(before).at(-1) ?? '').slice(-20)}"; save it as UTF-8, such as with iconv -f ISO-8859-1 -t UTF-8 IN > OUT`
  );
}

/**
 * The fields of a line with `|` between them. Fields may be in quotation marks, as programs for tables write them: one
 * that begins and ends with a mark, with all marks inside doubled. All other marks are text, as in LJSpeech.
 */
export function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  const field = /("(?:[^"]|"")*"|[^|]*)(\||$)/y;
  for (let end = ''; (fields.length === 0 || end === '|') && field.lastIndex <= line.length;) {
    const [, content, after] = field.exec(line) as RegExpExecArray;
    const quoted = /^"([^]*)"$/.exec(content);
    fields.push((quoted && content.length > 1 ? quoted[1].replaceAll('""', '"') : content).trim());
    end = after;
  }
  return fields;
}
