// Phone errors of the letter-to-sound model that ships, on the words of the dictionary that it has not seen:
// node scripts/measure-g2p.mjs
import { dictionary } from 'cmu-pronouncing-dictionary';
import { partWords, wordsOfDictionary } from '../dist/src/text/g2p/held_out.js';
import { phoneErrors } from '../dist/src/text/g2p/measure.js';
import { shippedG2p } from '../dist/src/text/load.js';

const words = wordsOfDictionary(dictionary);
const references = new Map(partWords(words).heldOut.map((word) => [word, words.get(word)]));
const model = await shippedG2p();
const percent = (share) => `${(100 * share).toFixed(2)}%`;
for (const stress of [false, true]) {
  const { words: count, phones, phoneErrorRate, wordErrorRate } = phoneErrors(model, references, { stress });
  console.log(
    `${stress ? 'with' : 'without'} stress: ${percent(phoneErrorRate)} of ${phones} phones wrong, ` +
      `${percent(wordErrorRate)} of ${count} words`,
  );
}
