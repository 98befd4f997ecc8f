import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../../../test/support/command_line.js';
import { refused } from '../../../test/support/files.js';
import { framesPerSymbol, writeToyOnnx } from '../../../test/support/onnx_model.js';
import { phones } from '../../text/arpabet.js';
import { openPronouncer } from '../../text/load.js';
import { phonesOf } from '../../text/phones_of.js';
import { type Token, tokensOf, tokenSymbols } from '../../text/tokens.js';
import { openSpeaker } from '../open.js';
import { ipaOf, symbolsOf } from './ipa.js';
import { OnnxAcoustic } from './onnx_acoustic.js';
import { SymbolTable } from './symbol_table.js';

async function tokensFor(text: string): Promise<Token[]> {
  for await (const sentence of phonesOf(text, { pronouncer: await openPronouncer() }))
    return tokensOf(sentence, { openEnding: 'statement' });
  return [];
}

/** Symbols of Matcha-TTS in its order, those that English has. */
const matcha = [...'_;:,.!? abdefhijklmnopstuvwzæɑɔəɚɛɜɡɪŋɹʃʊʌʒˈˌːðθ'];
const linesOf = (symbols: readonly string[]) => symbols.map((symbol, i) => `${symbol} ${i}`).join('\n');

test('phones become the IPA of eSpeak NG, with stress marks before vowels', async () => {
  const { symbols, from } = ipaOf(await tokensFor('Hello there, Bird!'));
  assert.equal(symbols.join(''), 'həlˈoʊ ðˈɛɹ, bˈɜːd!');
  assert.equal(from.length, symbols.length);
  assert.deepEqual(ipaOf([]), { symbols: [], from: [] });
  // All phones have symbols, and all symbols are known to Matcha-TTS.
  for (const symbol of tokenSymbols)
    for (const one of symbolsOf(symbol)) assert.ok(matcha.includes(one), `${symbol}: ${one}`);
  const written = phones.map((phone) => symbolsOf(phone).join(''));
  assert.equal(new Set(written).size, phones.length);
});

test('tokens.txt gives symbols their numbers, with blanks between, and ends where they are known', () => {
  const plain = SymbolTable.parse('\ufeff_ 0\r\n  3\r\na 1\r\nˈ 2\r\n', 'tokens.txt');
  assert.deepEqual(plain.numbersOf(['ˈ', 'a', ' ']), [0, 2, 0, 1, 0, 3, 0]);
  const piper = SymbolTable.parse('_ 0\n^ 1\n$ 2\n 3\na 4\n', 'tokens.txt');
  assert.deepEqual(piper.numbersOf(['a', ' ']), [1, 0, 4, 0, 3, 0, 2]);
  assert.throws(() => plain.numbersOf(['a', 'ɹ', 'ɹ', 'z']), refusedWith(/tokens\.txt has no number for "ɹ", "z"/));
  assert.throws(() => SymbolTable.parse('_ 0\na b\n', 'tokens.txt'), refusedWith(/line 2, is "a b"/));
  assert.throws(() => SymbolTable.parse('\n', 'tokens.txt'), refusedWith(/is empty/));
});

function refusedWith(message: RegExp) {
  return { name: 'TtsError', code: 'ERR_ONNX', message };
}

const runtime: string = 'onnxruntime-node';
const installed = await import(runtime).then(
  () => true,
  () => false,
);

test('without its package the error names it', { skip: installed && `${runtime} is installed` }, async (t) => {
  const path = join(temporaryFolder(t), 'model.onnx');
  writeToyOnnx(path, { table: new Float32Array(80) });
  await assert.rejects(OnnxAcoustic.open(path), refusedWith(/npm install onnxruntime-node/));
});

const skip = !installed && `${runtime} is not installed: npm install --no-save ${runtime}`;

/** A table in which bin b of symbol s is −5 − s/100 − b/10,000. */
const table = (symbols: number) =>
  Float32Array.from({ length: symbols * 80 }, (_, i) => -5 - Math.floor(i / 80) / 100 - (i % 80) / 10_000);

test('a model with the inputs of Matcha-TTS makes mels, frame after frame', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'model.onnx');
  writeToyOnnx(path, { table: table(matcha.length), speakers: true });
  writeFileSync(join(folder, 'tokens.txt'), linesOf(matcha));
  const model = await OnnxAcoustic.open(path);
  t.after(() => model.close());
  const tokens = await tokensFor('Hello there.');
  const { symbols } = ipaOf(tokens);
  const numbers = symbols.flatMap((symbol) => [0, matcha.indexOf(symbol)]).concat(0);
  const { data, frames, starts } = await model.predict(tokens);
  assert.equal(frames, numbers.length * framesPerSymbol);
  for (let frame = 0; frame < frames; frame++)
    for (const bin of [0, 79]) {
      const symbol = numbers[Math.floor(frame / framesPerSymbol)];
      assert.equal(data[frame * 80 + bin], Math.fround(-5 - symbol / 100 - bin / 10_000));
    }
  assert.deepEqual([starts.length, starts[0], starts[tokens.length]], [tokens.length + 1, 0, frames]);
  starts.forEach((start, i) => assert.ok(i === 0 || start >= starts[i - 1]));
  // Half as fast is twice as long.
  assert.equal((await model.predict(tokens, { speed: 0.5 })).frames, 2 * frames);
  assert.equal((await model.melOf([1, 2, 3])).frames, 3 * framesPerSymbol);
  assert.equal((await model.predict([])).frames, 0);
  await assert.rejects(model.predict(tokens, { pitch: 2 }), refused('ERR_ARGUMENT', /pitch is 2, expected 1/));
  await assert.rejects(model.melOf([1000]), refusedWith(/does not run/));
});

test('a speaker speaks with a model with the inputs of icefall', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const acoustic = join(folder, 'steps-3.onnx');
  const symbols = ['_', '^', '$', ...matcha.slice(1)];
  writeToyOnnx(acoustic, { table: table(symbols.length), icefall: true });
  writeFileSync(join(folder, 'mine.txt'), linesOf(symbols));
  const speaker = await openSpeaker({
    acoustic,
    tokens: join(folder, 'mine.txt'),
    voice: 'test/fixtures/voice/version-1.safetensors',
  });
  let samples = 0;
  const words: string[] = [];
  for await (const piece of speaker.speak('Hello there. You!')) {
    samples += piece.pcm.length;
    words.push(...piece.words.map(({ written }) => written));
  }
  assert.deepEqual(words, ['Hello', 'there', 'You']);
  // ^ _ h _ … _ $ for both sentences.
  const frames = ['həlˈoʊ ðˈɛɹ.', 'jˈuː!'].map((said) => (2 * [...said].length + 3) * framesPerSymbol);
  assert.equal(samples, (frames[0] + frames[1]) * 256 + Math.round(0.4 * 22050));
});

test('what is no such model is refused', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  writeFileSync(at('junk.onnx'), 'not a model');
  await assert.rejects(OnnxAcoustic.open(at('junk.onnx')), refusedWith(/junk\.onnx cannot be run by onnxruntime-node/));
  await assert.rejects(OnnxAcoustic.open(at('none.onnx')), refused('ERR_FILE_NOT_FOUND', /none\.onnx/));
  writeToyOnnx(at('wav.onnx'), { table: table(3), output: 'wav' });
  await assert.rejects(
    OnnxAcoustic.open(at('wav.onnx')),
    refusedWith(/outputs wav, mel_lengths; expected .* without a vocoder/),
  );
  writeToyOnnx(at('narrow.onnx'), { table: new Float32Array(3 * 20), bins: 20 });
  const narrow = await OnnxAcoustic.open(at('narrow.onnx'));
  await assert.rejects(narrow.melOf([1, 2]), refusedWith(/float32 \[1, 20, 8\], expected float32 \[1, 80, frames\]/));
  await assert.rejects(narrow.predict(await tokensFor('Hello')), refusedWith(/no tokens\.txt beside/));
  writeToyOnnx(at('nan.onnx'), { table: new Float32Array(80).fill(NaN) });
  await assert.rejects((await OnnxAcoustic.open(at('nan.onnx'))).melOf([0]), refusedWith(/NaN in frame 0/));
});
