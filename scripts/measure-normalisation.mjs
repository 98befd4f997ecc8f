// How many sentences of LJSpeech are normalised as its authors did it by hand:
// node scripts/measure-normalisation.mjs data/LJSpeech-1.1/metadata.csv [--show N]
//
// Words are compared: case, punctuation and hyphens do not count. The normalised column of the corpus leaves
// abbreviations as they are written; its README says how each is read, and that is what the list below holds.
import { readFileSync } from 'node:fs';
import { normalise } from '../dist/src/text/normalise/normalise.js';

const [path, , show = '0'] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node scripts/measure-normalisation.mjs METADATA.CSV [--show N]');
  process.exit(2);
}
const readme = {
  'Mr.': 'mister',
  'Mrs.': 'missus',
  'Dr.': 'doctor',
  'No.': 'number',
  'St.': 'saint',
  'Co.': 'company',
  'Jr.': 'junior',
  'Maj.': 'major',
  'Gen.': 'general',
  'Drs.': 'doctors',
  'Rev.': 'reverend',
  'Lt.': 'lieutenant',
  'Hon.': 'honorable',
  'Sgt.': 'sergeant',
  'Capt.': 'captain',
  'Esq.': 'esquire',
  'Ltd.': 'limited',
  'Col.': 'colonel',
  'Ft.': 'fort',
};
const words = (text) =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[’‘]/g, "'")
    .replaceAll(/[^\p{L}' ]+/gu, ' ')
    .split(' ')
    .map((word) => word.replaceAll(/^'+|'+$|\p{M}/gu, ''))
    .filter((word) => word !== '');
const reference = (text) => words(text.replaceAll(/\b[A-Z][a-z]+\./g, (word) => readme[word] ?? word)).join(' ');
const ours = (text) =>
  words(
    normalise(text)
      .flatMap(({ pieces }) => pieces.flatMap((piece) => (piece.kind === 'words' ? piece.words : [])))
      .join(' '),
  ).join(' ');

let [sentences, equal, altered, alteredEqual, shown] = [0, 0, 0, 0, 0];
for (const line of readFileSync(path, 'utf8').split('\n')) {
  const [id, text, normalised] = line.replace(/\r$/, '').split('|');
  if (normalised === undefined) continue;
  const same = ours(text) === reference(normalised);
  sentences++;
  if (same) equal++;
  if (text !== normalised) altered++;
  if (text !== normalised && same) alteredEqual++;
  if (!same && shown++ < Number(show)) console.log(`${id}\n  ${text}\n  ${ours(text)}\n  ${reference(normalised)}`);
}
const percent = (part, whole) => `${((100 * part) / whole).toFixed(2)}%`;
console.log(`${equal} of ${sentences} sentences alike, ${percent(equal, sentences)}`);
console.log(`of the ${altered} that the corpus writes out, ${alteredEqual} alike, ${percent(alteredEqual, altered)}`);
