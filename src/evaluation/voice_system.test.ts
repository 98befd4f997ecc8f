import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../../test/support/files.js';
import { readAudio } from '../audio/read.js';
import { treat } from '../audio/treatment.js';
import { chooseKernels } from '../kernels/index.js';
import { loadVoice, saveVoice } from '../model/voice/file.js';
import { openVoiceSystem } from './voice_system.js';

const path = 'data/ljspeech-mini/LJ001-0008.flac';
const kernels = chooseKernels();

test('a copy is compared with the recording as the voice hears it: treated', async (t) => {
  const treatment = { highPass: 60, level: -24 };
  const file = join(temporaryFolder(t), 'treated.safetensors');
  await saveVoice(file, { ...(await loadVoice('recipes/ljspeech/voice.safetensors')), treatment });
  const system = await openVoiceSystem({ path: file, name: 'treated', seed: 1, temperature: 1, kernels });
  t.after(() => system.dispose());
  assert.equal(system.settings.treatment, 'high-pass 60 Hz, level -24 LUFS');
  const { samples, sampleRate } = await readAudio(path);
  const expected = treat(samples, sampleRate, treatment);
  const { original, output } = await system.speak({ id: 'LJ001-0008', path });
  assert.deepEqual(original, expected);
  const power = (signal: Float32Array) => signal.reduce((sum, sample) => sum + sample ** 2, 0) / signal.length;
  const louder = 10 * Math.log10(power(output) / power(expected));
  assert.ok(Math.abs(louder) < 1.5, `the copy is ${louder} dB louder than its original`);
});

test('without a treatment the original is the recording', async (t) => {
  const system = await openVoiceSystem({
    path: 'recipes/ljspeech/voice.safetensors',
    name: 'plain',
    seed: 1,
    temperature: 1,
    kernels,
  });
  t.after(() => system.dispose());
  assert.ok(!('treatment' in system.settings));
  assert.deepEqual((await system.speak({ id: 'LJ001-0008', path })).original, (await readAudio(path)).samples);
});
