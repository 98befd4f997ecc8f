import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toInt16 } from '../../audio/audio.js';
import { melSpectrogram } from '../../audio/mel.js';
import { melPresets } from '../../audio/presets.js';
import { readAudio } from '../../audio/read.js';
import { Listener } from '../../kernels/interface/listener.js';
import { type SymbolCodec } from './codec.js';
import { symbolCodec } from './codecs.js';
import { classes } from './config.js';

const settings = melPresets.hifigan;
const { hop, bins } = settings;
const encodings = ['linear16', 'mulaw10', 'lpc10', 'ltp10'] as const;
const conditioning = { channels: 16, kernel: 5, residualBlocks: 2 };
const recording = fileURLToPath(new URL('../../../../data/ljspeech-mini/LJ002-0171.flac', import.meta.url));
let pcm: Int16Array;
let features: Float32Array;
let frames: number;

before(async () => {
  const { samples } = await readAudio(recording);
  ({ data: features, frames } = melSpectrogram(samples, settings));
  pcm = toInt16(samples).subarray(0, frames * hop);
});

/** Rows first … last, the first and the last frame repeated outside. */
function rows(first: number, count: number): Float32Array {
  const result = new Float32Array(count * bins);
  for (let i = 0; i < count; i++) {
    const frame = Math.max(0, Math.min(frames - 1, first + i));
    result.set(features.subarray(frame * bins, (frame + 1) * bins), i * bins);
  }
  return result;
}

/** Samples first … first+count-1 with the codec's history, zeros before the beginning. */
function encode(codec: SymbolCodec, first: number, count: number, most?: number) {
  const input = new Int16Array(codec.history + count);
  for (let i = 0; i < input.length; i++) input[i] = pcm[first - codec.history + i] ?? 0;
  const frame = Math.floor(first / hop);
  const speech = {
    pcm: input,
    phase: first % hop,
    features: rows(frame - codec.lead, Math.ceil(((first % hop) + count) / hop) + codec.lead),
  };
  return codec.encode(speech, most === undefined ? {} : { noise: { seed: 2, index: 0, most } });
}

function signalToNoise(signal: Int16Array, other: Int16Array): number {
  let power = 0;
  let noise = 0;
  signal.forEach((sample, i) => {
    power += sample ** 2;
    noise += (sample - other[i]) ** 2;
  });
  return 10 * Math.log10(power / noise);
}

test('16-bit symbols keep every sample', () => {
  const codec = symbolCodec({ encoding: 'linear16', conditioning }, settings);
  const all = Int16Array.from({ length: 65537 }, (_, i) => Math.max(0, i - 1) - 32768);
  const { codes, meanLogWidths } = codec.encode({ pcm: all, phase: 0, features: new Float32Array(0) });
  assert.deepEqual(toInt16(codec.decoder()(codes, new Float32Array(0))), all);
  assert.deepEqual([...meanLogWidths], [0]);
});

for (const [encoding, decibels] of [
  ['linear16', Infinity],
  ['mulaw10', 38],
  ['lpc10', 58],
  ['ltp10', 58],
] as const) {
  test(`${encoding}: speech survives with at least ${decibels} dB, in one piece or chunk by chunk`, () => {
    const codec = symbolCodec({ encoding, conditioning }, settings);
    const codes = encode(codec, 0, pcm.length).codes.subarray(1);
    assert.ok(codes.every((code) => code < classes(encoding) ** 2));
    const whole = codec.decoder()(codes, features);
    assert.ok(signalToNoise(pcm, toInt16(whole)) >= decibels, `${signalToNoise(pcm, toInt16(whole))} dB`);
    const decode = codec.decoder();
    for (let frame = 0; frame < frames; frame += 7) {
      const count = Math.min(7, frames - frame);
      const piece = decode(codes.subarray(frame * hop, (frame + count) * hop), rows(frame, count));
      assert.deepEqual(piece, whole.subarray(frame * hop, (frame + count) * hop));
    }
  });
}

test('speech that goes beyond full scale is not cut off there', () => {
  for (const encoding of ['lpc10', 'ltp10'] as const) {
    const codec = symbolCodec({ encoding, conditioning }, settings);
    const codes = encode(codec, 0, pcm.length).codes.subarray(1);
    const whole = codec.decoder()(codes, features);
    // The same with features of speech 12 dB louder.
    const louder = codec.decoder()(
      codes,
      features.map((value) => value + Math.log(4)),
    );
    assert.ok(louder.some((sample) => Math.abs(sample) > 1.2));
    const errors = louder.map((sample, i) => sample / 4 - whole[i]);
    const power = (samples: Float64Array) => samples.reduce((sum, sample) => sum + sample ** 2, 0);
    assert.ok(power(errors) < 1e-4 * power(whole), `${encoding}: ${power(errors) / power(whole)}`);
  }
});

test('a sampler hears speech that goes beyond full scale as it hears softer speech', () => {
  const codec = symbolCodec({ encoding: 'ltp10', hears: 'signal', conditioning }, settings);
  const codes = encode(codec, 0, pcm.length).codes.subarray(1);
  const heard = (spoken: Float32Array) => {
    const listener = new Listener(codec.hearing!);
    const predictors = codec.predictors!(spoken);
    return Float64Array.from(codes, (code, i) => {
      if (i % hop === 0) listener.frame(predictors, i / hop);
      listener.predict();
      const cues: number[] = [];
      listener.cues(cues);
      listener.follow(code);
      return cues[2];
    });
  };
  const soft = heard(features);
  const loud = heard(features.map((value) => value + Math.log(4)));
  // 12 dB round the float32 features differently, and with them a period here and there.
  const mean = loud.reduce((sum, cue, i) => sum + Math.abs(cue - soft[i]), 0) / loud.length;
  assert.ok(mean < 1e-3, `cues differ by ${mean} in the mean`);
});

test('disturbed symbols are heard one sample later, and errors of prediction do not add up', () => {
  for (const [encoding, decibels] of [
    ['mulaw10', 25],
    ['lpc10', 25],
    ['ltp10', 25],
  ] as const) {
    const codec = symbolCodec({ encoding, conditioning }, settings);
    const { codes, heard } = encode(codec, 0, pcm.length, 5);
    assert.equal(heard?.length, pcm.length);
    // Four bytes are at most 3.5 of their deviations from their mean.
    assert.ok(heard.every((code, i) => Math.abs(code - codes[i]) <= 18));
    assert.ok(heard.some((code, i) => code !== codes[i]));
    const spoken = codes.slice(1);
    spoken.set(heard.subarray(1));
    const followed = toInt16(codec.decoder()(spoken, features));
    assert.ok(signalToNoise(pcm, followed) >= decibels, `${encoding}: ${signalToNoise(pcm, followed)} dB`);
    assert.deepEqual(encode(codec, 0, pcm.length, 0).heard, encode(codec, 0, pcm.length).codes.subarray(0, -1));
    assert.equal(encode(codec, 0, pcm.length).heard, undefined);
  }
});

test('a segment from the middle has nearly the symbols that the whole clip has there', () => {
  for (const encoding of encodings) {
    const codec = symbolCodec({ encoding, conditioning }, settings);
    const whole = encode(codec, 0, pcm.length).codes;
    const first = 60 * hop + 100;
    const segment = encode(codec, first, 960).codes;
    assert.equal(segment.length, 961);
    // The excitation depends on the coding errors before, which differ: a few of 1,024 codes.
    const difference = segment.reduce((sum, code, i) => sum + Math.abs(code - whole[first + i]), 0) / segment.length;
    assert.ok(
      difference <= (encoding.startsWith('l') && encoding !== 'linear16' ? 6 : 0),
      `${encoding}: ${difference}`,
    );
  }
});

test('at 8 kHz, where the highest pitches have periods too short for the kernels, speech is coded too', async () => {
  const slow = { ...settings, sampleRate: 8000, fMax: 4000 };
  const { samples } = await readAudio(recording, { sampleRate: slow.sampleRate });
  const { data, frames } = melSpectrogram(samples, slow);
  const speech = toInt16(samples).subarray(0, frames * hop);
  const codec = symbolCodec({ encoding: 'ltp10', conditioning }, slow);
  // Silence before the beginning.
  const input = new Int16Array(codec.history + speech.length);
  input.set(speech, codec.history);
  const lead = Array.from({ length: codec.lead }, () => [...data.subarray(0, bins)]).flat();
  const { codes } = codec.encode({ pcm: input, phase: 0, features: Float32Array.of(...lead, ...data) });
  const decibels = signalToNoise(speech, toInt16(codec.decoder()(codes.subarray(1), data)));
  assert.ok(decibels > 40, `${decibels} dB`);
});

test('silence is the symbol of a zero among zeros', () => {
  for (const encoding of encodings) {
    const codec = symbolCodec({ encoding, conditioning }, settings);
    const { codes } = codec.encode({
      pcm: new Int16Array(codec.history + 10),
      phase: 0,
      features: rows(1 - codec.lead, 1 + codec.lead),
    });
    // Zero lies on the edge of two cells: the excitation coder alternates between them.
    assert.ok(
      codes.every(
        (code) => Math.abs(code - codec.silence) <= (encoding.startsWith('l') && encoding !== 'linear16' ? 3 : 0),
      ),
      `${encoding}: ${codes.join(' ')}`,
    );
  }
});

test('nats of 16-bit and of µ-law symbols are comparable: a memoryless model of each gives nearly the same', () => {
  const entropy = (encoding: (typeof encodings)[number]) => {
    const { codes, meanLogWidths } = encode(symbolCodec({ encoding, conditioning }, settings), 0, pcm.length);
    const counts = new Map<number, number>();
    for (const code of codes.subarray(1)) counts.set(code, (counts.get(code) ?? 0) + 1);
    return (
      [...counts.values()].reduce((sum, count) => sum - (count / pcm.length) * Math.log(count / pcm.length), 0) +
      meanLogWidths[0]
    );
  };
  const [linear, mulaw, excitation, withPitch] = encodings.map(entropy);
  assert.ok(Math.abs(mulaw - linear) < 0.15, `${linear} and ${mulaw}`);
  // Linear prediction takes away what the spectral envelope already says.
  assert.ok(excitation < linear - 1, `${linear} and ${excitation}`);
  // So does prediction from the pitch, where there is voice.
  assert.ok(withPitch < excitation - 0.02, `${excitation} and ${withPitch}`);
});
