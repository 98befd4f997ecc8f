import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../../test/support/files.js';
import { melSpectrogram } from '../audio/mel.js';
import { readAudio } from '../audio/read.js';
import { treat, untreated } from '../audio/treatment.js';
import { writeWav } from '../audio/write.js';
import { writeFeatures } from '../data/features/files.js';
import { loadVoice } from '../model/voice/file.js';
import { readSynthesisInput } from './input.js';

const path = 'data/ljspeech-mini/LJ001-0008.flac';
const { samples, sampleRate } = await readAudio(path);
const shipped = await loadVoice('recipes/ljspeech/voice.safetensors');
const treatment = { highPass: 60, level: -24 };
const voice = { ...shipped, treatment };

test('a recording is treated as the voice says, by its own loudness: how loud it was makes no difference', async (t) => {
  const folder = temporaryFolder(t);
  const quiet = join(folder, 'quiet.wav');
  await writeWav(
    quiet,
    samples.map((sample) => sample / 8 + 0.01),
    sampleRate,
  );
  const { data } = await readSynthesisInput(path, voice, 'x');
  assert.deepEqual(data, melSpectrogram(treat(samples, sampleRate, treatment), shipped.features).data);
  const same = await readSynthesisInput(quiet, voice, 'x');
  // 16-bit samples that are eight times as coarse make the quietest bins differ a little.
  const off = data.reduce((sum, value, i) => sum + Math.abs(value - same.data[i]), 0) / data.length;
  assert.ok(off < 0.1, String(off));
  const asItWas = await readSynthesisInput(quiet, { ...shipped, treatment: untreated }, 'x');
  const untreatedOff = data.reduce((sum, value, i) => sum + Math.abs(value - asItWas.data[i]), 0) / data.length;
  assert.ok(untreatedOff > 1, String(untreatedOff));
});

test('features are taken as they are', async (t) => {
  const file = join(temporaryFolder(t), 'features.npy');
  const { data, frames, bins } = melSpectrogram(samples, shipped.features);
  await writeFeatures(file, { data, frames, bins, settings: shipped.features });
  assert.deepEqual((await readSynthesisInput(file, voice, 'x')).data, data);
});
