import { join } from 'node:path';
import { TtsError } from '../base/errors.js';
import { packageRoot } from '../base/package_root.js';
import { readWholeFile } from '../base/whole_file.js';
import { decodeG2p } from './g2p/encoding.js';
import type { G2p } from './g2p/g2p.js';
import { type Lexicon, parseLexicon } from './lexicon/own.js';
import { Pronouncer } from './lexicon/pronouncer.js';

/** Reads a lexicon from a file; see `parseLexicon`. @throws TtsError ERR_FILE_NOT_FOUND, ERR_FILE_READ, ERR_LEXICON */
export async function readLexicon(path: string): Promise<Lexicon> {
  return decodeLexicon(await readWholeFile(path), path);
}

/** A lexicon from the bytes of a file. @param name what messages call it @throws TtsError ERR_LEXICON */
export function decodeLexicon(bytes: Uint8Array, name: string): Lexicon {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new TtsError('ERR_LEXICON', `${name} is no text in UTF-8`, { cause: error });
  }
  return parseLexicon(text, name);
}

let shipped: Promise<G2p> | undefined;

/** The letter-to-sound model that comes with the package. */
export const shippedG2p = (): Promise<G2p> =>
  (shipped ??= readWholeFile(join(packageRoot(), 'src', 'text', 'g2p', 'english.g2p')).then(decodeG2p));

/** A pronouncer with the dictionary and the model that come with the package. */
export async function openPronouncer({ lexicon }: { lexicon?: string } = {}): Promise<Pronouncer> {
  return new Pronouncer({ ...(lexicon !== undefined && { own: await readLexicon(lexicon) }), g2p: shippedG2p });
}
