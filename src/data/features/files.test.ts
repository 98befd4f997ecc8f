import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { melPresets } from '../../audio/presets.js';
import { TtsError } from '../../base/errors.js';
import { readFeatures, readRawFeatures, settingsPath, writeFeatures, writeNpy } from './files.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
after(() => rm(folder, { recursive: true }));

const data = Float32Array.from({ length: 160 }, (_, i) => -i / 16);
const failsWith = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof TtsError && error.code === code && pattern.test(error.message);

test('features and settings come back as they were', async () => {
  const path = join(folder, 'a.npy');
  for (const settings of Object.values(melPresets)) {
    await writeFeatures(path, { data, frames: 2, bins: 80, settings });
    assert.deepEqual(await readFeatures(path), { data, frames: 2, bins: 80, settings });
  }
  assert.deepEqual((await readdir(folder)).sort(), ['a.json', 'a.npy']);
});

test('features without settings have none, and settings of an older file do not stay beside them', async () => {
  const path = join(folder, 'b.npy');
  await writeFeatures(path, { data, frames: 2, bins: 80, settings: melPresets.hifigan });
  await writeFeatures(path, { data, frames: 2, bins: 80 });
  assert.equal((await readFeatures(path)).settings, undefined);
  assert.ok(!('settings' in (await readRawFeatures(path))));
});

test('the settings lie in .json beside the .npy', async () => {
  assert.equal(settingsPath('out/x.npy'), 'out/x.json');
  assert.equal(settingsPath('out/x.mel.NPY'), 'out/x.mel.json');
  assert.equal(settingsPath('out/x'), 'out/x.json');
  const path = join(folder, 'c.npy');
  await writeFeatures(path, { data, frames: 2, bins: 80, settings: melPresets.espnet });
  assert.equal((JSON.parse(await readFile(join(folder, 'c.json'), 'utf8')) as { fMin: number }).fMin, 80);
});

test('settings that are not JSON, or not settings, are refused by name and field', async () => {
  const path = join(folder, 'd.npy');
  await writeNpy(path, data, [2, 80]);
  await writeFile(join(folder, 'd.json'), '{"sampleRate": 22050');
  await assert.rejects(readFeatures(path), failsWith('ERR_FEATURE_SETTINGS', /d\.json is not JSON/));
  await writeFile(join(folder, 'd.json'), JSON.stringify({ ...melPresets.hifigan, hop: '256' }));
  await assert.rejects(readFeatures(path), failsWith('ERR_FEATURE_SETTINGS', /d\.json: hop: .*number/));
});

test('an array that is not [frames, bins] is refused with its shape', async () => {
  const path = join(folder, 'e.npy');
  await writeNpy(path, data, [1, 2, 80]);
  await assert.rejects(
    readFeatures(path),
    failsWith('ERR_FEATURE_SHAPE', /\[1, 2, 80\].*expected float32 \[frames, bins\]/),
  );
});
