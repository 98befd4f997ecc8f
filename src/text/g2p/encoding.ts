import { TtsError } from '../../base/errors.js';
import type { G2p } from './g2p.js';
import type { Graphone } from './graphones.js';
import type { NgramModel } from './ngram.js';

/**
 * The file of a G2P model: the line below, the graphones as text, then per node of the tree the number of its children,
 * the difference of its symbol from its elder sibling's, and its share and backoff as one of 255 logarithmic steps; all
 * of it through gzip, about 3 bytes a node.
 */
const magic = 'tts g2p 1';
/** Shares and backoffs are 0, or 2^(−step/12): within 3% of what was learned. */
const stepsPerOctave = 12;

const toStep = (value: number): number =>
  value <= 0 ? 255 : Math.min(Math.max(Math.round(-Math.log2(value) * stepsPerOctave), 0), 254);

/** Writes a model, before gzip. */
export function encodeG2p({ graphones, ngrams }: G2p): Uint8Array {
  const { order, symbols, symbol, share, backoff, firstChild } = ngrams;
  const nodes = symbol.length;
  const names = graphones.map(({ letters, phones }) => [letters, ...phones].join(' ')).join('\n');
  const head = new TextEncoder().encode(`${magic}\n${order} ${symbols} ${nodes}\n${names}\n\n`);
  const bytes: number[] = [];
  const varint = (value: number) => {
    for (; value >= 128; value >>>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  };
  for (let x = 0; x < nodes; x++) varint(firstChild[x + 1] - firstChild[x]);
  for (let x = 0; x < nodes; x++)
    for (let c = firstChild[x]; c < firstChild[x + 1]; c++)
      varint(c === firstChild[x] ? symbol[c] : symbol[c] - symbol[c - 1]);
  for (let x = 1; x < nodes; x++) bytes.push(toStep(share[x]));
  for (let x = 0; x < nodes; x++) if (firstChild[x + 1] > firstChild[x]) bytes.push(toStep(backoff[x]));
  const all = new Uint8Array(head.length + bytes.length);
  all.set(head);
  all.set(bytes, head.length);
  return all;
}

/**
 * Reads a model as it lies in its file.
 *
 * @throws TtsError ERR_LEXICON if it is no such file, or is damaged
 */
export async function decodeG2p(file: Uint8Array): Promise<G2p> {
  try {
    return decode(await unzip(file));
  } catch (error) {
    if (error instanceof TtsError) throw error;
    throw damaged('it cannot be unpacked', error);
  }
}

const damaged = (why: string, cause?: unknown) =>
  new TtsError('ERR_LEXICON', `the letter-to-sound model cannot be read: ${why}; expected a file '${magic}'`, {
    cause,
  });

async function unzip(file: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([file as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function decode(bytes: Uint8Array): G2p {
  const headEnd = bytes.findIndex((byte, i) => byte === 10 && bytes[i + 1] === 10);
  const [name, sizes = '', ...names] = new TextDecoder().decode(bytes.subarray(0, Math.max(headEnd, 0))).split('\n');
  const [order, symbols, nodes] = sizes.split(' ').map(Number);
  if (name !== magic || symbols !== names.length + 1) throw damaged('its head is another');
  const graphones: Graphone[] = names.map((line) => {
    const [letters, ...phones] = line.split(' ');
    return { letters, phones };
  });
  let at = headEnd + 2;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw damaged('it ends too early');
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const firstChild = new Uint32Array(nodes + 1);
  firstChild[0] = 1;
  for (let x = 0; x < nodes; x++) firstChild[x + 1] = firstChild[x] + varint();
  if (firstChild[nodes] !== nodes) throw damaged('its tree does not close');
  const symbol = new Uint16Array(nodes);
  for (let x = 0; x < nodes; x++)
    for (let c = firstChild[x]; c < firstChild[x + 1]; c++)
      symbol[c] = varint() + (c === firstChild[x] ? 0 : symbol[c - 1]);
  const steps = Float32Array.from({ length: 256 }, (_, step) => (step === 255 ? 0 : 2 ** (-step / stepsPerOctave)));
  const share = new Float32Array(nodes);
  for (let x = 1; x < nodes; x++) share[x] = steps[bytes[at++]];
  const backoff = new Float32Array(nodes).fill(1);
  for (let x = 0; x < nodes; x++) if (firstChild[x + 1] > firstChild[x]) backoff[x] = steps[bytes[at++]];
  if (at !== bytes.length) throw damaged(`it has ${bytes.length} bytes, expected ${at}`);
  const ngrams: NgramModel = { order, symbols, symbol, share, backoff, firstChild };
  return { graphones, ngrams };
}
