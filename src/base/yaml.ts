import { type Document, LineCounter, parseDocument } from 'yaml';
import { type ErrorCode, TtsError } from './errors.js';

const message = (error: unknown): string =>
  error instanceof RangeError ? 'it is nested too deeply' : error instanceof Error ? error.message : String(error);

/**
 * Reads the text of a YAML file in UTF-8.
 * @param path for messages
 * @throws {TtsError} with the code that is given, for what is no UTF-8 or no YAML
 */
export function readYaml(bytes: Buffer, path: string, code: ErrorCode): { document: Document; lines: LineCounter } {
  const lines = new LineCounter();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TtsError(code, `${path} is not UTF-8; save it as UTF-8`, { cause });
  }
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter: lines });
  } catch (cause) {
    throw new TtsError(code, `${path} is not valid YAML: ${message(cause)}`, { cause });
  }
  if (document.errors.length > 0)
    throw new TtsError(code, `${path} is not valid YAML: ${document.errors[0].message.split('\n')[0]}`);
  return { document, lines };
}

/**
 * The plain data of a document.
 * @throws {TtsError} with the code that is given, for aliases that unfold without end, and other things that no data can
 * be made of
 */
export function plainYaml(document: Document, path: string, code: ErrorCode): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new TtsError(code, `${path}: ${message(cause)}`, { cause });
  }
}
