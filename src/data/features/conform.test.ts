import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { melSpectrogram } from '../../audio/mel.js';
import { type MelSettings } from '../../audio/mel_settings.js';
import { melPresets } from '../../audio/presets.js';
import { readAudio } from '../../audio/read.js';
import { type ErrorCode, TtsError } from '../../base/errors.js';
import { conformFeatures } from './conform.js';
import { readRawFeatures, writeFeatures } from './files.js';
import { type ExpectedFeatures, fitOf, isAlike } from './fit.js';
import type { NpyArray } from './npy.js';

const corpus = fileURLToPath(new URL('../../../../data/ljspeech-mini/', import.meta.url));
const { hifigan } = melPresets;
const bins = 80;

/** The voice knows the first clips; what it is given is made of the others. */
let clips: Float32Array[];
let unseen: Float32Array[];
before(async () => {
  const names = readdirSync(corpus).filter((name) => name.endsWith('.flac'));
  const all = await Promise.all(names.sort().map(async (name) => (await readAudio(join(corpus, name))).samples));
  clips = all.slice(0, 7);
  unseen = all.slice(7);
});

const voices = new Map<string, ExpectedFeatures>();

/** A voice trained with these settings. */
function voice(settings: MelSettings = hifigan): ExpectedFeatures {
  const key = JSON.stringify(settings);
  if (!voices.has(key)) voices.set(key, train(settings));
  return voices.get(key)!;
}

function train(settings: MelSettings): ExpectedFeatures {
  const data = clips.flatMap((samples) => [...melSpectrogram(samples, settings).data]);
  const frames = data.length / bins;
  const overFrames = (term: (value: number, bin: number) => number) => {
    const sums = new Float64Array(bins);
    data.forEach((value, i) => (sums[i % bins] += term(value, i % bins)));
    return Float32Array.from(sums, (sum) => sum / frames);
  };
  const mean = overFrames((value) => value);
  const std = overFrames((value, bin) => (value - mean[bin]) ** 2).map(Math.sqrt);
  return {
    name: 'ljspeech',
    settings,
    statistics: { mean, std, min: data.reduce((a, b) => Math.min(a, b)), max: data.reduce((a, b) => Math.max(a, b)) },
  };
}

const mel = (samples: Float32Array, change: Partial<MelSettings> = {}) =>
  melSpectrogram(samples, { ...hifigan, ...change }).data;
const gain = (samples: Float32Array, factor: number) => samples.map((sample) => sample * factor);

function array(data: NpyArray['data'], shape = [data.length / bins, bins], more: Partial<NpyArray> = {}): NpyArray {
  return {
    shape,
    dtype: data instanceof Float64Array ? 'float64' : data instanceof Int16Array ? 'int16' : 'float32',
    fortranOrder: false,
    data,
    ...more,
  };
}

function transpose(data: Float32Array, columns: number): Float32Array {
  const rows = data.length / columns;
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

function conform(data: NpyArray, settings?: MelSettings, expected = voice()) {
  return conformFeatures({ path: 'features.npy', array: data, settings }, expected);
}

function refuses(
  code: ErrorCode,
  pattern: RegExp,
  data: NpyArray,
  settings?: MelSettings,
  expected?: ExpectedFeatures,
): void {
  assert.throws(
    () => conform(data, settings, expected),
    (error) => {
      assert.ok(error instanceof TtsError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, pattern);
      assert.match(error.message, /features\.npy/);
      return true;
    },
  );
}

function near(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const bad = actual.findIndex((value, i) => !(Math.abs(value - expected[i]) <= tolerance));
  assert.ok(bad < 0, `${bad}: ${actual[bad]}, expected ${expected[bad]}`);
}

// --- what goes through as it is

test('features of the voice’s own kind go through untouched, with and without settings', () => {
  for (const samples of unseen) {
    const data = mel(samples);
    for (const settings of [undefined, hifigan])
      assert.deepEqual(conform(array(data), settings), { data, frames: data.length / bins, notes: [] });
  }
});

test('so do recordings 20 dB quieter and 6 dB louder than the voice’s, and excerpts of a second', () => {
  for (const samples of unseen) {
    for (const data of [mel(gain(samples, 0.1)), mel(gain(samples, 2)), mel(samples.subarray(11025, 33075))])
      assert.deepEqual(conform(array(data)).notes, []);
  }
});

test('a quarter of a second goes through without settings; silence does with them', () => {
  const data = mel(unseen[0].subarray(11025, 11025 + 5512));
  assert.deepEqual(conform(array(data)).data, data);
  const silence = mel(new Float32Array(22050));
  assert.deepEqual(conform(array(silence), hifigan).data, silence);
  refuses('ERR_FEATURE_RANGE', /-11\.51 to -11\.51/, array(silence));
});

test('a written file goes through by way of the disk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'check-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'x.npy');
  const data = mel(unseen[0], { log: '10' });
  await writeFeatures(path, { data, frames: data.length / bins, bins, settings: { ...hifigan, log: '10' } });
  near(conformFeatures(await readRawFeatures(path), voice()).data, mel(unseen[0]), 1e-5);
});

// --- layout

test('[bins, frames] is transposed, with a note', () => {
  const data = mel(unseen[0]);
  const frames = data.length / bins;
  const result = conform(array(transpose(data, bins), [bins, frames]));
  assert.deepEqual(result.data, data);
  assert.equal(result.frames, frames);
  assert.deepEqual(result.notes, [`transposed from [80, ${frames}] to [frames, bins]`]);
});

test('of 80 frames of 80 bins the mean spectrum tells which is which, or a note says that it does not', () => {
  let decided = 0;
  for (const samples of unseen) {
    const data = mel(samples.subarray(11025)).subarray(0, 80 * bins);
    assert.deepEqual(conform(array(data)).data, Float32Array.from(data));
    const transposed = conform(array(transpose(data, bins), [80, 80]), hifigan);
    if (/transposed to \[frames, bins\]: of \[80, 80\] the mean spectrum/.test(transposed.notes[0])) {
      assert.deepEqual(transposed.data, Float32Array.from(data));
      decided += 1;
    } else {
      assert.match(transposed.notes[0], /took \[80, 80\] as \[frames, bins\]; it could be the other way round/);
    }
  }
  assert.ok(decided >= unseen.length - 1, `${decided} of ${unseen.length}`);
});

test('a leading axis of 1, Fortran order, float64 and float16 are accepted, each with a note', () => {
  const data = mel(unseen[1]);
  const frames = data.length / bins;
  assert.deepEqual(conform(array(data, [1, frames, bins])).data, data);
  assert.match(conform(array(data, [1, frames, bins])).notes[0], /leading axis/);
  const doubles = conform(array(Float64Array.from(data)));
  assert.deepEqual(doubles.data, data);
  assert.deepEqual(doubles.notes, ['converted from float64 to float32']);
  assert.deepEqual(conform(array(data, [frames, bins], { dtype: 'float16' })).notes, [
    'converted from float16 to float32',
  ]);
  const fortran = conform(array(transpose(data, bins), [frames, bins], { fortranOrder: true }));
  assert.deepEqual(fortran.data, data);
  assert.deepEqual(fortran.notes, ['rearranged from Fortran order']);
});

test('all at once: batch axis, [bins, frames], Fortran order, float64, log10', () => {
  const data = mel(unseen[2], { log: '10', floor: 1e-10 });
  const frames = data.length / bins;
  // [1, bins, frames] in Fortran order lies in memory as [frames, bins].
  const result = conform(array(Float64Array.from(data), [1, bins, frames], { fortranOrder: true }));
  near(result.data, mel(unseen[2]), 1e-5);
  assert.equal(result.notes.length, 5);
});

test('another number of bins is refused with both numbers', () => {
  refuses(
    'ERR_FEATURE_SHAPE',
    /features\.npy has 513 bins, the voice ljspeech expects 80 \(mel, 22050 Hz, hop 256\); its shape is \[100, 513\]/,
    array(new Float32Array(51300), [100, 513]),
  );
  const other = { ...hifigan, bins: 100 };
  refuses('ERR_FEATURE_SHAPE', /has 100 bins/, array(new Float32Array(20000), [100, 200]), other);
});

test('arrays that are not a matrix of floats are refused with their shape', () => {
  refuses('ERR_FEATURE_SHAPE', /\[8000\].*two axes/, array(new Float32Array(8000), [8000]));
  refuses('ERR_FEATURE_SHAPE', /\[2, 50, 80\]/, array(new Float32Array(8000), [2, 50, 80]));
  refuses('ERR_FEATURE_SHAPE', /no frames/, array(new Float32Array(0), [0, 80]));
  refuses('ERR_FEATURE_SHAPE', /int16/, array(new Int16Array(8000)));
});

test('NaN and infinity are refused with their number and place', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const data = mel(unseen[0]).slice();
    data[1234] = value;
    data[2000] = value;
    refuses(
      'ERR_FEATURE_NOT_FINITE',
      new RegExp(`2 of ${data.length} values.*first is ${value} at place 1234`),
      array(data),
    );
  }
});

// --- levels, judged by the settings

const kinds: [string, Partial<MelSettings>][] = [
  ['log10', { log: '10' }],
  ['log10 with a lower floor', { log: '10', floor: 1e-10 }],
  ['log2', { log: '2' }],
  ['dB', { log: 'db' }],
  ['magnitudes', { log: 'none', floor: 0 }],
  ['levels in [0, 1]', { log: 'db', normalisation: { from: [-100, 20], to: [0, 1] } }],
  ['levels in [-4, 4]', { log: 'db', normalisation: { from: [-100, 20], to: [-4, 4] } }],
];
for (const [name, change] of kinds) {
  test(`${name} become ln when the settings say what they are`, () => {
    for (const samples of unseen) {
      const { data: features, notes } = conform(array(mel(samples, change)), { ...hifigan, ...change });
      near(features, mel(samples), 2e-5);
      assert.match(notes.join(), /converted from .* to ln, by the settings/);
    }
  });
}

test('ln becomes what a voice of another convention expects', () => {
  for (const [, change] of kinds.filter(([name]) => name !== 'log10 with a lower floor')) {
    const expected = voice({ ...hifigan, ...change });
    near(
      conform(array(mel(unseen[0])), hifigan, expected).data,
      mel(unseen[0], { floor: 1e-5, ...change, ...(change.floor === 0 ? { floor: 1e-5 } : {}) }),
      2e-4,
    );
  }
});

test('a small difference in padding is accepted with a note', () => {
  const settings = melPresets.tacotron2;
  const data = melSpectrogram(unseen[0], settings).data;
  const { data: features, notes } = conform(array(data), settings);
  assert.deepEqual(features, data);
  assert.match(notes[0], /padding center-reflect, the voice has hop-reflect/);
});

const decisive: [keyof MelSettings, Partial<MelSettings>, RegExp][] = [
  ['sampleRate', { sampleRate: 24000 }, /sampleRate is 24000, expected 22050/],
  ['hop', { hop: 275 }, /hop is 275, expected 256/],
  ['fftSize', { fftSize: 2048 }, /fftSize is 2048, expected 1024/],
  ['windowLength', { windowLength: 800 }, /windowLength is 800, expected 1024/],
  ['fMax', { fMin: 80, fMax: 7600 }, /fMin is 80, expected 0; fMax is 7600, expected 8000/],
  ['power', { power: 2 }, /power is 2, expected 1/],
  ['scale', { scale: 'htk' }, /scale is htk, expected slaney/],
  ['norm', { norm: 'none' }, /norm is none, expected slaney/],
  ['preEmphasis', { preEmphasis: 0.97 }, /preEmphasis is 0.97, expected 0/],
  ['floor', { floor: 0.01 }, /floor is 0.01, expected 0.00001/],
];
for (const [name, change, pattern] of decisive) {
  test(`another ${name} is refused by name, the voice and both values`, () => {
    const settings = { ...hifigan, ...change };
    refuses('ERR_FEATURE_SETTINGS', pattern, array(melSpectrogram(unseen[0], settings).data), settings);
    refuses(
      'ERR_FEATURE_SETTINGS',
      /does not suit the voice ljspeech/,
      array(melSpectrogram(unseen[0], settings).data),
      settings,
    );
  });
}

test('settings that the values contradict are refused', () => {
  refuses(
    'ERR_FEATURE_SETTINGS',
    /settings say ln, its values .* look like log10/,
    array(mel(unseen[0], { log: '10' })),
    hifigan,
  );
  refuses('ERR_FEATURE_SETTINGS', /settings say log10, its values .* look like ln/, array(mel(unseen[0])), {
    ...hifigan,
    log: '10',
  });
});

// --- levels, judged by the voice's statistics

for (const [name, change] of kinds.slice(0, 5)) {
  test(`${name} are recognised without settings, and converted with a note`, () => {
    for (const samples of unseen) {
      for (const factor of [0.25, 1, 1.5]) {
        const { data: features, notes } = conform(array(mel(gain(samples, factor), change)));
        near(features, mel(gain(samples, factor)), 2e-5);
        assert.equal(notes.length, 1);
        assert.match(
          notes[0],
          /converted from (log10|log2|dB|magnitudes) to ln: the values \(from .* to .*\) fit the voice ljspeech only that way/,
        );
      }
    }
  });
}

test('a voice of log10 features recognises ln', () => {
  const expected = voice({ ...hifigan, log: '10', floor: 1e-10 });
  const { data: features, notes } = conform(array(mel(unseen[0])), undefined, expected);
  near(
    features,
    mel(unseen[0]).map((value) => value * Math.LOG10E),
    1e-5,
  );
  assert.match(notes[0], /from ln to log10/);
});

test('normalised and standardised features without settings are refused with their range and the voice’s', () => {
  const expected = voice();
  for (const samples of unseen) {
    for (const [, change] of kinds.slice(5))
      refuses(
        'ERR_FEATURE_RANGE',
        /has values from .* to .*: the voice ljspeech expects ln from -11\.51 to \d/,
        array(mel(samples, change)),
      );
    const { mean, std } = expected.statistics;
    const standardised = mel(samples).map((value, i) => (value - mean[i % bins]) / std[i % bins]);
    refuses('ERR_FEATURE_RANGE', /standard deviations off/, array(standardised));
  }
});

test('noise, zeros and powers in dB or log10 are refused', () => {
  refuses('ERR_FEATURE_RANGE', /0\.00 to 0\.00/, array(new Float32Array(8000)));
  refuses('ERR_FEATURE_RANGE', /./, array(Float32Array.from({ length: 8000 }, (_, i) => 1000 * Math.sin(i * i))));
  for (const samples of unseen)
    for (const log of ['db', '10'] as const)
      refuses('ERR_FEATURE_RANGE', /./, array(mel(samples, { power: 2, log, floor: 1e-10 })));
});

test('log10 too short to judge is refused, not guessed at', () => {
  for (const samples of unseen) {
    refuses(
      'ERR_FEATURE_RANGE',
      /\d+ frames are too few to tell/,
      array(mel(samples.subarray(11025, 16537), { log: '10' })),
    );
  }
});

test('values far outside the voice’s range are refused with the worst of them, a few strays are not', () => {
  const data = mel(unseen[0]).slice();
  data[81] = 40;
  assert.deepEqual(conform(array(data), hifigan).data, data);
  for (let i = 0; i < data.length; i += 50) data[i] = -30;
  refuses('ERR_FEATURE_RANGE', /such as 40\.00 in frame 1, bin 1/, array(data), hifigan);
});

test('the statistics tell the voice’s own kind from every other but log2 by offset and spread', () => {
  const { statistics } = voice();
  for (const samples of unseen) {
    assert.ok(isAlike(fitOf(mel(samples), statistics)));
    for (const [name, change] of kinds)
      if (name !== 'log2') assert.ok(!isAlike(fitOf(mel(samples, change), statistics)), name);
  }
});

const upsideDown = (data: Float32Array) => data.map((_, i) => data[i - (i % bins) + bins - 1 - (i % bins)]);

test('features that are upside down are turned, with a note, also where they are transposed', () => {
  for (const samples of unseen) {
    const data = mel(samples);
    const frames = data.length / bins;
    const turned = conform(array(upsideDown(data)));
    assert.deepEqual(turned.data, data);
    assert.match(turned.notes.join(), /turned upside down: the first bin was the highest/);
    const both = conform(array(transpose(upsideDown(data), bins), [bins, frames]), hifigan);
    assert.deepEqual(both.data, data);
    assert.equal(both.notes.length, 2);
    const log10 = conform(array(upsideDown(mel(samples, { log: '10' }))));
    near(log10.data, data, 2e-5);
  }
});

test('an array that was reshaped where it should be transposed is put right, or refused', () => {
  let right = 0;
  for (const samples of unseen) {
    const data = mel(samples);
    // [bins, frames] in memory, called [frames, bins].
    const { data: found, notes } = conform(array(transpose(data, bins)));
    if (!/reshaped and not transposed/.test(notes.join())) continue;
    assert.deepEqual(found, data);
    right += 1;
  }
  assert.ok(right >= unseen.length - 1, `${right} of ${unseen.length}`);
});

test('80 frames of 80 bins are told upside down from transposed', () => {
  for (const samples of unseen) {
    const data = Float32Array.from(mel(samples.subarray(11025)).subarray(0, 80 * bins));
    assert.deepEqual(conform(array(upsideDown(data)), hifigan).data, data);
  }
});

test('log2 that is said to be ln is refused, and quiet ln is not taken for log2', () => {
  for (const samples of unseen) {
    refuses(
      'ERR_FEATURE_SETTINGS',
      /settings say ln, its values .* look like log2/,
      array(mel(samples, { log: '2' })),
      hifigan,
    );
    const quiet = mel(gain(samples, 0.1));
    assert.deepEqual(conform(array(quiet)), { data: quiet, frames: quiet.length / bins, notes: [] });
  }
});
