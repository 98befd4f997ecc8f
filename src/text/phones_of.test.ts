import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { isPhone, phones } from './arpabet.js';
import type { Source } from './lexicon/pronouncer.js';
import { openPronouncer, readLexicon } from './load.js';
import { type PhoneSentence, phonesOf, type SpokenWord } from './phones_of.js';
import { boundaries, isBoundary, tokensOf, tokenSymbols } from './tokens.js';

const pronouncer = await openPronouncer();

async function sentencesOf(text: string | Iterable<string>, by = pronouncer): Promise<PhoneSentence[]> {
  const all: PhoneSentence[] = [];
  for await (const sentence of phonesOf(text, { pronouncer: by })) all.push(sentence);
  return all;
}
async function wordsOf(text: string, by = pronouncer): Promise<SpokenWord[]> {
  return (await sentencesOf(text, by)).flatMap(({ elements }) => elements.filter((element) => element.kind === 'word'));
}

test('each word has phones, their source, and its place', async () => {
  const text = "{HH AH L OW} Dr. Smith's zopyrusk paid £25 to XKZ and roominghouses.";
  const words = await wordsOf(text);
  const expected: [string, string, Source][] = [
    ['{HH AH L OW}', 'HH AH0 L OW1', 'override'],
    ['doctor', 'D AA1 K T ER0', 'dictionary'],
    ["smith's", 'S M IH1 TH S', 'dictionary'],
    ['zopyrusk', '', 'learned'],
    ['paid', 'P EY1 D', 'dictionary'],
    ['twenty', 'T W EH1 N T IY0', 'dictionary'],
    ['five', 'F AY1 V', 'dictionary'],
    ['pounds', 'P AW1 N D Z', 'dictionary'],
    ['to', 'T UW1', 'dictionary'],
    ['XKZ', 'EH1 K S K EY1 Z IY1', 'spelled'],
    ['and', 'AH0 N D', 'dictionary'],
    ['roominghouses', 'R UW1 M IH0 NG HH AW2 S AH0 Z', 'suffix'],
  ];
  assert.deepEqual(
    words.map(({ spoken, phones: said, source }) => [spoken, source === 'learned' ? '' : said.join(' '), source]),
    expected,
  );
  for (const { start, end, written, phones: said, variants } of words) {
    assert.equal(text.slice(start, end), written);
    assert.ok(said.length > 0 && said.every(isPhone));
    assert.deepEqual(variants[0], said);
  }
});

test("the reader's own lexicon comes before the dictionary, also in words made from its words", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-lexicon-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'my.lexicon');
  writeFileSync(path, 'tomato T AH0 M AA1 T OW2\nZyx Z IH1 K S\nfbi F IH1 B IY0\nx-ray EH1 K S R EY2\nmp3 M IH1 P\n');
  const own = await openPronouncer({ lexicon: path });
  const words = await wordsOf("Tomato zyx Zyx's FBI X-ray MP3 x-axis.", own);
  assert.deepEqual(
    words.map(({ phones: said, source }) => [said.join(' '), source]),
    [
      ['T AH0 M AA1 T OW2', 'own'],
      ['Z IH1 K S', 'own'],
      ['Z IH1 K S IH0 Z', 'suffix'],
      ['F IH1 B IY0', 'own'],
      ['EH1 K S R EY2', 'own'],
      ['M IH1 P', 'own'],
      ['EH1 K S', 'spelled'],
      ['AE1 K S AH0 S', 'dictionary'],
    ],
  );
  writeFileSync(path, Buffer.from([0x61, 0x20, 0xff, 0xfe]));
  await assert.rejects(readLexicon(path), (error) => error instanceof TtsError && error.code === 'ERR_LEXICON');
  await assert.rejects(
    readLexicon(join(folder, 'none')),
    (error) => error instanceof TtsError && error.code === 'ERR_FILE_NOT_FOUND',
  );
});

test('endings, beginnings, spellings and compounds', async () => {
  const expected: Record<string, string> = {
    "gardenias's": 'G AA0 R D IY1 N Y AH0 Z IH0 Z',
    unbelievableness: 'AH2 N B AH0 L IY1 V AH0 B AH0 L N AH0 S',
    birdbaths: 'B ER1 D B AE2 TH S',
    rebaptized: 'R IY0 B AE0 P T AY1 Z D',
    harbourless: 'HH AA1 R B ER0 L AH0 S',
  };
  for (const [word, said] of Object.entries(expected)) {
    const [{ phones: ours, source }] = await wordsOf(word);
    assert.deepEqual([ours.join(' '), source], [said, 'suffix'], word);
  }
});

test('the, a and letters', async () => {
  const said = async (text: string) => (await wordsOf(text)).map(({ phones: p }) => p.join(' '));
  assert.deepEqual((await said('the apple'))[0], 'DH IY0');
  assert.deepEqual((await said('the pear'))[0], 'DH AH0');
  assert.deepEqual((await said('a pear'))[0], 'AH0');
  assert.deepEqual((await said('plan A'))[1], 'EY1');
  assert.deepEqual(await said('US'), ['Y UW1 EH1 S']);
  assert.deepEqual(await said('us'), ['AH1 S']);
  assert.deepEqual(await said('XKZs'), ['EH1 K S K EY1 Z IY1 Z']);
});

test('words of other scripts give a note, never an error; words of Object are none of the dictionary', async () => {
  const [{ elements, notes }] = await sentencesOf('Привет constructor toString __proto__ hasOwnProperty');
  assert.equal(notes.length, 1);
  assert.ok(elements.every((element) => element.kind === 'pause' || element.phones.every(isPhone)));
  const [{ elements: none, notes: why }] = await sentencesOf(`${'b'.repeat(5000)}`);
  assert.equal(none.length, 0);
  assert.match(why[0].note, /letters, it is left out/);
});

test('tokens: one boundary at each end and between words, none else', async () => {
  const [sentence] = await sentencesOf('Well, read the book — now?');
  const tokens = tokensOf(sentence);
  assert.equal(tokens.map(({ symbol }) => symbol).join('|'), '^|W|EH1|L|,|R|IY1|D| |DH|AH0| |B|UH1|K|-|N|AW1|?');
  for (const { symbol, id } of tokens) assert.equal(tokenSymbols[id], symbol);
  assert.deepEqual([...new Set(tokens.map(({ word }) => word))], [0, 1, 2, 3, 4, 5]);
  tokens.forEach((token, i) => {
    if (i > 0) assert.ok(!(isBoundary(token) && isBoundary(tokens[i - 1])));
  });
  assert.equal(tokensOf((await sentencesOf('Hello'))[0]).at(-1)!.symbol, '_');
  assert.equal(tokensOf((await sentencesOf('Hello'))[0], { openEnding: 'statement' }).at(-1)!.symbol, '.');
  assert.deepEqual(tokensOf((await sentencesOf('...'))[0]), []);
});

test('the list of tokens is what models were trained on: 9 boundaries, then 69 phones', () => {
  assert.equal(tokenSymbols.length, 78);
  assert.equal(new Set(tokenSymbols).size, 78);
  assert.equal(tokenSymbols.slice(0, boundaries.length).join(''), '^ ,-;.?!_');
  assert.deepEqual(tokenSymbols.slice(boundaries.length), phones);
  assert.equal(phones.slice(0, 6).join(' '), 'AA0 AA1 AA2 AE0 AE1 AE2');
});

test('a text in pieces gives what the whole gives', async () => {
  const text = 'Dr. Smith paid £25. "Really?" It cost $3.5 million in 1963';
  assert.deepEqual(await sentencesOf([...text]), await sentencesOf(text));
});
