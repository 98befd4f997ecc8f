import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { near, speechOf } from '../../test/support/speech.js';
import { toInt16 } from '../audio/audio.js';
import { mulawEncode } from '../audio/mulaw.js';
import { openCorpus } from '../data/corpora/corpus.js';
import { chooseKernels } from '../kernels/index.js';
import { loadVoice, saveVoice } from '../model/voice/file.js';
import { openVoiceSystem } from './voice_system.js';

const { clips } = await openCorpus('data/ljspeech-mini');
const kernels = chooseKernels();

test('a network that knows nothing gives every symbol the same probability', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nll-'));
  t.after(() => rm(folder, { recursive: true }));
  const voice = await loadVoice('test/fixtures/voice/version-1.safetensors');
  for (const { values } of Object.values(voice.sparse)) values.fill(0);
  for (const values of Object.values(voice.dense)) values.fill(0);
  const path = join(folder, 'ignorant.safetensors');
  await saveVoice(path, voice);

  // 10-bit µ-law: 1,024 codes, and within a code all the 16-bit values that have it.
  const counts = new Float64Array(1024);
  for (const code of mulawEncode(Int16Array.from({ length: 65536 }, (_, i) => i - 32768))) counts[code]++;
  const samples = await speechOf('LJ001-0008');
  const codes = mulawEncode(toInt16(samples).subarray(0, Math.floor(samples.length / 256) * 256));
  const expected = codes.reduce((sum, code) => sum + Math.log(1024) + Math.log(counts[code]), 0) / codes.length;

  const system = await openVoiceSystem({ path, name: 'ignorant', seed: 1, temperature: 1, kernels });
  const { nll } = await system.speak(clips.filter(({ id }) => id === 'LJ001-0008')[0]);
  system.dispose();
  near(nll, expected, 1e-5);
});

test('the voice that ships has the NLL on its held-out clips that its file states', async () => {
  const path = 'recipes/ljspeech/voice.safetensors';
  const { provenance } = await loadVoice(path);
  const system = await openVoiceSystem({ path, name: 'ljspeech', seed: 1, temperature: 1, kernels });
  let nats = 0;
  let all = 0;
  for (const id of ['LJ001-0008', 'LJ002-0171', 'LJ011-0202', 'LJ016-0117', 'LJ042-0094', 'LJ050-0270']) {
    const { nll, output, realTimeFactor } = await system.speak(clips.filter((clip) => clip.id === id)[0]);
    nats += (nll ?? NaN) * output.length;
    all += output.length;
    assert.ok(realTimeFactor !== null && realTimeFactor > 0);
  }
  system.dispose();
  near(nats / all, provenance.nll as number, 1e-4);
});
