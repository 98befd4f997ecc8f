// Learns the letter-to-sound model that ships, from cmu-pronouncing-dictionary without the words that are held out:
// node scripts/train-g2p.mjs [ORDER] [PRUNE] [FILE]. Minutes; the same Node makes the same bytes.
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { dictionary } from 'cmu-pronouncing-dictionary';
import { decodeG2p, encodeG2p } from '../dist/src/text/g2p/encoding.js';
import { alignGraphones } from '../dist/src/text/g2p/graphones.js';
import { partWords, wordsOfDictionary } from '../dist/src/text/g2p/held_out.js';
import { phoneErrors } from '../dist/src/text/g2p/measure.js';
import { learnNgrams } from '../dist/src/text/g2p/ngram.js';

const [order = '6', prune = '0.3', file = 'src/text/g2p/english.g2p'] = process.argv.slice(2);
const words = wordsOfDictionary(dictionary);
const { heldOut, training } = partWords(words);
const { graphones, sequences } = alignGraphones(training, 5);
const symbols = graphones.length + 1;
const ngrams = learnNgrams(sequences, { order: Number(order), symbols, prune: Number(prune) });
const bytes = gzipSync(encodeG2p({ graphones, ngrams }), { level: 9 });
// Which system packed it stands in the tenth byte of gzip's header: as unknown, it is the same everywhere.
bytes[9] = 255;
writeFileSync(file, bytes);
const model = await decodeG2p(bytes);
const references = new Map(heldOut.map((word) => [word, words.get(word)]));
for (const stress of [false, true]) console.log({ stress, ...phoneErrors(model, references, { stress }) });
console.log({ graphones: graphones.length, nodes: ngrams.symbol.length, bytes: bytes.length });
