import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { quoted } from './bounded_json.js';
import { type ErrorCode, TtsError } from './errors.js';

const message = (error: unknown): string =>
  error instanceof RangeError ? 'it is nested too deeply' : error instanceof Error ? error.message : String(error);

/** Bytes of the largest file that is read: a thousand times a recipe. */
const largest = 2 ** 22;

/**
 * Reads the text of a YAML file in UTF-8.
 * @param path for messages
 * @throws {TtsError} with the code that is given, for what is too large, no UTF-8 or no YAML, or has a key twice
 */
export function readYaml(bytes: Buffer, path: string, code: ErrorCode): { document: Document; lines: LineCounter } {
  if (bytes.length > largest)
    throw new TtsError(code, `${path} has ${bytes.length} bytes, expected YAML of at most ${largest}`);
  const lines = new LineCounter();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TtsError(code, `${path} is not UTF-8; save it as UTF-8`, { cause });
  }
  let document: Document;
  let fault: string | undefined;
  try {
    // The parser itself would compare each key with all before it.
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
    fault = document.errors[0]?.message.split('\n')[0] ?? doubleKey(document, lines);
  } catch (cause) {
    throw new TtsError(code, `${path} is not valid YAML: ${message(cause)}`, { cause });
  }
  if (fault !== undefined) throw new TtsError(code, `${path} is not valid YAML: ${fault}`);
  return { document, lines };
}

/** What to say of the first key that a mapping has twice. */
function doubleKey(document: Document, lines: LineCounter): string | undefined {
  let found: string | undefined;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          const { line } = lines.linePos(key.range?.[0] ?? 0);
          found = `line ${line}: the key ${quoted(String(key.value))} is there twice; keys must be unique`;
          return visit.BREAK;
        }
        keys.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/**
 * The plain data of a document.
 * @throws {TtsError} with the code that is given, for aliases that unfold without end, and other things that no data
 * can be made of
 */
export function plainYaml(document: Document, path: string, code: ErrorCode): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new TtsError(code, `${path}: ${message(cause)}`, { cause });
  }
}
