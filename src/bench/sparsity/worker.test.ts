import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { tinyRecipe } from '../../../test/support/classifier_recipes.js';
import { packageRoot } from '../../base/package_root.js';

test('a run ends when the process that asked for it is gone', { timeout: 60_000 }, async (t) => {
  const recipe = tinyRecipe(`data.folder=${packageRoot()}/data/mnist-mini`, 'training.steps=1000000');
  const worker = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => worker.kill('SIGKILL'));
  worker.send({ recipe, kernels: undefined });
  // It may be anywhere by now: the run would take hours.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(worker.exitCode, null);
  worker.disconnect();
  const [code] = (await once(worker, 'exit')) as [number];
  assert.equal(code, 0);
});
