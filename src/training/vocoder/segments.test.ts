import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tinyStore } from '../../../test/support/tiny_vocoder.js';
import { chooseKernels } from '../../kernels/index.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import { loadRecipe, waveRnnConfig } from '../recipe/recipe.js';
import { drawSegments } from './segments.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tts-segments-'));
after(() => rmSync(folder, { recursive: true }));

test('the members of a pair get the same segments where pairs are asked for, else all lanes differ', async () => {
  const recipe = loadRecipe(join(root, 'recipes', 'ljspeech'));
  const config = waveRnnConfig(recipe);
  const store = await tinyStore(recipe, folder);
  const draw = (step: number, pairs?: number) =>
    drawSegments(
      store,
      config,
      symbolCodec(config, store.settings),
      chooseKernels(),
      { lanes: 8, steps: 48, noise: 8, seed: 3 },
      step,
      pairs,
    );
  const perLane = (segments: ReturnType<typeof draw>) =>
    Array.from({ length: 8 }, (_, lane) => {
      const of = <T extends Uint16Array | Float32Array | Float64Array>(array: T) => [
        ...array.subarray((lane * array.length) / 8, ((lane + 1) * array.length) / 8),
      ];
      const { codes, heard = assert.fail('no noise') } = segments.sequence;
      return JSON.stringify([codes, heard, segments.features, segments.logWidths].map(of));
    });
  const lanes = perLane(draw(7));
  assert.equal(new Set(lanes).size, 8);
  assert.deepEqual(perLane(draw(7)), lanes, 'a pure function');
  assert.notDeepEqual(perLane(draw(8)), lanes);
  // Two pairs: members have two lanes each, and both of a pair the same.
  const paired = perLane(draw(7, 2));
  assert.deepEqual([...paired.slice(0, 2), ...paired.slice(4, 6)], [...paired.slice(2, 4), ...paired.slice(6, 8)]);
  assert.equal(new Set(paired).size, 4);
});
