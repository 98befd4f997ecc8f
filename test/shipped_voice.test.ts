import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fromInt16 } from '../src/audio/audio.js';
import { readAudio } from '../src/audio/read.js';
import { evaluateCopy } from '../src/evaluation/copy_report.js';
import { chooseKernels } from '../src/kernels/index.js';
import { loadVoice } from '../src/model/voice/file.js';
import { readSynthesisInput } from '../src/synthesis/input.js';
import { synthesize } from '../src/synthesis/synthesize.js';
import { root } from './support/command_line.js';

test('the voice that ships speaks held-out clips clearly, intelligibly and without bursts', async () => {
  const kernels = chooseKernels();
  const voice = await loadVoice(join(root, 'recipes', 'ljspeech', 'voice.safetensors'));
  for (const clip of ['LJ002-0171', 'LJ050-0270']) {
    const path = join(root, 'data', 'ljspeech-mini', `${clip}.flac`);
    const input = await readSynthesisInput(path, voice, 'ljspeech');
    const pcm = new Int16Array(input.frames * voice.features.hop);
    let at = 0;
    for await (const chunk of synthesize(voice, input, { kernels })) {
      pcm.set(chunk, at);
      at += chunk.length;
    }
    assert.equal(at, pcm.length);
    const { samples } = await readAudio(path);
    const { stoi, harmonicity, bursts } = evaluateCopy(samples, fromInt16(pcm), voice.features.sampleRate);
    assert.ok(stoi !== null && stoi > 0.95, `${clip}: STOI ${stoi}`);
    assert.ok(harmonicity !== null && harmonicity > 0.92, `${clip}: harmonicity ${harmonicity}`);
    assert.equal(bursts, 0, clip);
  }
});
