import assert from 'node:assert/strict';
import test from 'node:test';
import { mulawDecode, mulawEncode } from './mulaw.js';

const allCodes = Uint16Array.from({ length: 1024 }, (_, code) => code);
const allSamples = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);

test('encoding a decoded code gives the code back, wherever a step of the law is wider than a 16-bit step', () => {
  const samples = mulawDecode(allCodes);
  const back = mulawEncode(samples);
  const exact = allCodes.filter((code) => Math.abs(samples[code]) > 43);
  assert.ok(exact.length > 890, `only ${exact.length} codes`);
  for (const code of exact) assert.equal(back[code], code);
});

test('a code that the encoder made survives decoding and encoding, for every 16-bit sample', () => {
  const codes = mulawEncode(allSamples);
  assert.deepEqual(mulawEncode(mulawDecode(codes)), codes);
});

test('samples near zero, where the law is finer than 16 bits, come back exactly', () => {
  const quiet = Int16Array.from({ length: 81 }, (_, i) => i - 40);
  assert.deepEqual(mulawDecode(mulawEncode(quiet)), quiet);
});

test('the law is monotonic and spans codes 0 to 1023', () => {
  const codes = mulawEncode(allSamples);
  assert.equal(codes[0], 0);
  assert.equal(codes[65535], 1023);
  for (let i = 1; i < codes.length; i++) assert.ok(codes[i] >= codes[i - 1]);
});

test('the law follows ITU-T G.711: known points of F', () => {
  // x = ±0.5: F = ln(512.5) / ln(1024) = 0.90014; x = 1/1023: F = ln 2 / ln 1024 = 0.1.
  const [half, minusHalf, small] = mulawEncode(Int16Array.of(16384, -16384, 32));
  assert.equal(half, Math.round(((0.90014 + 1) / 2) * 1023));
  assert.equal(minusHalf, Math.round(((-0.90014 + 1) / 2) * 1023));
  assert.equal(small, Math.round(((0.1 + 1) / 2) * 1023));
});

test('the error of a round trip is at most half a step: 0.69 % of the value, plus rounding to 16 bits', () => {
  // A step of F is 2 / 1023, so a step of x is (x + 1/µ) ln(1024) · 2 / 1023; half of that is 0.68 % of x + 1/µ.
  const decoded = mulawDecode(mulawEncode(allSamples));
  allSamples.forEach((sample, i) => {
    const bound = 0.0069 * (Math.abs(sample) + 32768 / 1023) + 1;
    assert.ok(Math.abs(decoded[i] - sample) <= bound, `${sample} became ${decoded[i]}`);
  });
});
