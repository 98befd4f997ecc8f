import { createReadStream } from 'node:fs';
import { TtsError } from '../base/errors.js';
import { standardStream } from '../base/standard_streams.js';
import { explainSystemError } from '../base/system_error.js';
import { type FileSource, nameOf } from '../base/whole_file.js';

/**
 * The text of a file, piece by piece; `-` is standard input. In UTF-8, or in UTF-16 with a byte order mark.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ; ERR_TEXT where it is no text in UTF-8
 */
export async function* readText(source: FileSource): AsyncGenerator<string, void, void> {
  const name = source === standardStream ? 'standard input' : nameOf(source);
  const stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array> =
    typeof source !== 'string' ? [source.bytes] : source === standardStream ? process.stdin : createReadStream(source);
  let decoder: { decode: (bytes?: Uint8Array, options?: { stream: boolean }) => string } | undefined;
  let bytes = 0;
  let head: Uint8Array = new Uint8Array(0);
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder!.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      throw new TtsError(
        'ERR_TEXT',
        `${name} is no text in UTF-8: what is wrong lies before byte ${bytes}; expected UTF-8, or UTF-16 with a byte ` +
          'order mark (iconv converts others)',
        { cause },
      );
    }
  };
  try {
    for await (const chunk of stream) {
      bytes += chunk.length;
      let next: Uint8Array = chunk;
      if (decoder === undefined) {
        // A pipe may give a byte at a time.
        next = head = Buffer.concat([head, chunk]);
        if (head.length < 2) continue;
        decoder = new TextDecoder(encodingOf(head), { fatal: true });
      }
      yield decode(next);
    }
  } catch (error) {
    throw explainSystemError(name, error, 'read');
  }
  if (decoder === undefined) {
    decoder = new TextDecoder('utf-8', { fatal: true });
    yield decode(head);
  }
  yield decode();
}

const encodingOf = ([first, second]: Uint8Array): string =>
  first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
