import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { randomModel, tokensOfText } from '../../../test/support/acoustic.js';
import { chooseKernels } from '../../kernels/index.js';
import { checksum } from '../model_file.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../safetensors.js';
import { loadVoiceSync } from '../voice/file.js';
import { findVoice } from '../voice/shipped.js';
import { decodeAcoustic, encodeAcoustic } from './encoding.js';
import { loadAcoustic, saveAcoustic } from './file.js';
import { checkVoiceFits, MelPredictor } from './predict.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-acoustic-'));
after(() => rmSync(folder, { recursive: true }));
const kernels = chooseKernels({ threads: 2 });
const text = 'The prisoner had nothing to deal with but wooden panels, and got both of them out.';

test('a model comes back as it was saved, and is refused once a bit of it is flipped', async () => {
  const model = randomModel();
  const path = join(folder, 'acoustic.safetensors');
  await saveAcoustic(path, model);
  assert.deepEqual(await loadAcoustic(path), model);
  const bytes = readFileSync(path);
  for (const at of [20, 3000, Math.floor(bytes.length / 2), bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 1;
    writeFileSync(join(folder, 'damaged.safetensors'), damaged);
    await assert.rejects(loadAcoustic(join(folder, 'damaged.safetensors')), {
      code: /^ERR_VOICE_(CORRUPT|VERSION)$/,
      message: /damaged\.safetensors: /,
    });
  }
  await assert.rejects(loadAcoustic(findVoice('ljspeech').path), {
    code: 'ERR_VOICE_CORRUPT',
    message: /not an acoustic/,
  });
});

test('files with a right checksum and wrong contents are refused by name', () => {
  const { tensors, metadata } = decodeSafetensors(encodeAcoustic(randomModel()));
  const refused = (change: (parts: { tensors: Map<string, Tensor>; metadata: Record<string, string> }) => void) => {
    const parts = { tensors: new Map(tensors), metadata: { ...metadata } };
    change(parts);
    parts.metadata.sha256 = checksum(parts.tensors, parts.metadata);
    let message = 'nothing was refused';
    assert.throws(
      () => decodeAcoustic(encodeSafetensors(parts.tensors, parts.metadata)),
      (error: Error & { code?: string }) => {
        message = `${error.code} ${error.message}`;
        return true;
      },
    );
    return message;
  };
  const float = (shape: number[], fill: number): Tensor => ({
    dtype: 'F32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)).fill(fill),
  });
  const expectations: [RegExp, Parameters<typeof refused>[0]][] = [
    [/CORRUPT tensor durations\.output is missing/, (parts) => parts.tensors.delete('durations.output')],
    [/tensor x does not belong/, (parts) => parts.tensors.set('x', float([1], 0))],
    [
      /output is F32 \[3, 1\], expected F32 \[16, 1\]/,
      (parts) => parts.tensors.set('durations.output', float([3, 1], 0)),
    ],
    [/output has Infinity at 0/, (parts) => parts.tensors.set('durations.output', float([16, 1], Infinity))],
    [/statistics\.std has 0 at 0/, (parts) => parts.tensors.set('statistics.std', float([80], 0))],
    [
      /metadata config\.width is -3/,
      (parts) => (parts.metadata.config = metadata.config.replace('"width":16', '"width":-3')),
    ],
    [/metadata config\.decoderDilations/, (parts) => (parts.metadata.config = metadata.config.replace('[1,2]', '[]'))],
    [
      /metadata tokens .*expected the tokens/,
      (parts) => (parts.metadata.tokens = metadata.tokens.replace('"ZH"', '"QQ"')),
    ],
    [/metadata features is not JSON/, (parts) => (parts.metadata.features = '{')],
    [/ERR_VOICE_VERSION .*newer/, (parts) => (parts.metadata.version = '2')],
    [
      /lexicon line 1/,
      (parts) => parts.tensors.set('lexicon', { dtype: 'U8', shape: [3], data: Uint8Array.of(104, 32, 49) }),
    ],
  ];
  for (const [expected, change] of expectations) assert.match(refused(change), expected);
});

test('a sentence is as long as its tokens, twice as fast about half as long, and higher by the factor', async () => {
  const predictor = new MelPredictor(randomModel(), kernels);
  const tokens = await tokensOfText(text);
  const plain = predictor.predict(tokens);
  assert.equal(plain.starts.length, tokens.length + 1);
  assert.equal(plain.starts[tokens.length], plain.frames);
  assert.equal(plain.data.length, plain.frames * 80);
  tokens.forEach(({ id }, t) => assert.ok(plain.starts[t + 1] > plain.starts[t] || id < 9, `token ${t}`));
  assert.ok(plain.data.every(Number.isFinite));
  assert.deepEqual(predictor.predict(tokens), plain, 'the same again');
  const fast = predictor.predict(tokens, { speed: 2 });
  assert.ok(Math.abs(fast.frames / plain.frames - 0.5) < 0.06, `${fast.frames} of ${plain.frames} frames`);
  const high = predictor.predict(tokens, { pitch: 1.25 });
  assert.deepEqual(high.starts, plain.starts);
  high.f0.forEach((frequency, i) => assert.ok(Math.abs(frequency / plain.f0[i] - 1.25) < 1e-3));
  assert.notDeepEqual(high.data, plain.data);
});

test('kernels of every kind give the same mels, but for rounding', async () => {
  const tokens = await tokensOfText('Hello, world.');
  const [native, wasm] = [kernels, chooseKernels({ name: 'wasm' })].map((each) =>
    new MelPredictor(randomModel(), each).predict(tokens),
  );
  assert.deepEqual(native.starts, wasm.starts);
  native.data.forEach((value, i) => assert.ok(Math.abs(value - wasm.data[i]) < 1e-3, `value ${i}`));
});

test('what there is not is refused: tokens, factors, weights that overflow', async () => {
  const predictor = new MelPredictor(randomModel(), kernels);
  const tokens = await tokensOfText('Hello.');
  assert.equal(predictor.predict([]).frames, 0);
  for (const id of [-1, 1.5, 78, NaN])
    assert.throws(() => predictor.predict([...tokens, { id }]), { code: 'ERR_ARGUMENT', message: /expected 0 to 77/ });
  for (const speed of [0, -1, NaN, 11, Infinity])
    assert.throws(() => predictor.predict(tokens, { speed }), { code: 'ERR_ARGUMENT', message: /^speed is / });
  const model = randomModel();
  const weights = new Map([...model.weights].map(([name, values]) => [name, values.map(() => 1e6)]));
  for (const name of ['decoder.output', 'decoder.block0.gain', 'decoder.encoder.block0.gain'])
    weights.get(name)!.fill(1e6);
  weights.set('durations.output', model.weights.get('durations.output')!.slice());
  const absurd = new MelPredictor(
    { ...model, weights, statistics: { ...model.statistics, std: new Float32Array(80).fill(1e30) } },
    kernels,
  );
  assert.throws(() => absurd.predict(tokens), { code: 'ERR_NOT_FINITE', message: /mels of .*absurdly large/ });
  const logF0 = { ...model.statistics.logF0, mean: 1000 };
  const shrill = new MelPredictor({ ...model, statistics: { ...model.statistics, logF0 } }, kernels);
  assert.throws(() => shrill.predict(tokens), { code: 'ERR_NOT_FINITE', message: /a pitch of Infinity in frame 0/ });
});

test('a voice that expects other mels is refused, with what differs', () => {
  const voice = loadVoiceSync(findVoice('ljspeech').path);
  const names = { model: 'my model', voice: 'ljspeech' };
  checkVoiceFits(randomModel(), voice, names);
  const other = { ...voice, features: { ...voice.features, hop: 200, log: '10' as const } };
  assert.throws(() => checkVoiceFits(randomModel(), other, names), {
    code: 'ERR_VOICE_MISMATCH',
    message: /my model .*voice ljspeech: hop is 256, expected 200; log is "e", expected "10"/,
  });
});
