import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RandomStream } from '../../src/base/random.js';
import { examplesOf } from '../../src/data/images/examples.js';
import { chooseKernels } from '../../src/kernels/index.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/safetensors.js';
import { ClassifierTrainer } from '../../src/training/classifier/trainer.js';
import { runTask } from '../../src/training/loop.js';
import { type LoadedCheckpoint, loadNewestCheckpoint } from '../../src/training/run_folder/checkpoint.js';
import { readCurve } from '../../src/training/run_folder/curve.js';
import type { TrainingTask } from '../../src/training/task.js';
import { fewDigits, quickSearches, tinyRecipe } from '../support/classifier_recipes.js';
import { chance, damaged, damagedData, damagedText, oneOf } from './damage.js';
import { assertFinite, type Files, type FuzzedReader } from './reader.js';

const digits = examplesOf(await fewDigits(), 'train');
const kernels = chooseKernels({ threads: 1 });
const curve = [{ title: 'accuracy', figure: 'validation/accuracy', digits: 3 }];
const tiny = ['sizes.mlp.widths=[16, 16]', 'sizes.mlp.density=0.2', 'training.examples=16', 'training.steps=20'];

/** A short training of a classifier with a search of masks, to so many steps. */
function task(steps: number): TrainingTask {
  const recipe = tinyRecipe(...quickSearches.es, ...tiny);
  return {
    learner: new ClassifierTrainer(recipe, digits, kernels),
    kernels,
    training: { steps, checkpointEvery: 2 },
    batch: { size: 16, unit: 'examples' },
    identity: { recipe },
    introduction: [],
    measurements: [{ every: 2, run: (_, { step }) => ({ 'validation/accuracy': step / 100 }) }],
    curve,
    describe: (figures) => Object.keys(figures),
    ship(out, { step }) {
      writeFileSync(join(out, 'shipped'), String(step));
      return Promise.resolve(join(out, 'shipped'));
    },
  };
}

/** Runs a training without what it says. */
async function quietly(steps: number, out: string): Promise<number> {
  const { write } = process.stderr;
  process.stderr.write = () => true;
  try {
    return (await runTask(task(steps), { out })).step;
  } finally {
    process.stderr.write = write;
  }
}

/** The folder of a run with checkpoints of steps 2 and 4. */
const original: Files = await (async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-fuzz-'));
  await quietly(4, folder);
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile() && !name.startsWith('logs'))
    .map((name) => [name, readFileSync(join(folder, name))] as const);
  rmSync(folder, { recursive: true });
  return Object.fromEntries(files);
})();

const newest = 'checkpoints/000000004';
const names = ['arrays.safetensors', 'state.json', 'manifest.json'].map((name) => `${newest}/${name}`);

/** The contents of the checkpoints that were saved, by step, to compare with. */
const saved = new Map(
  [2, 4].map((step) => {
    const path = `checkpoints/00000000${step}`;
    return [step, { arrays: original[`${path}/arrays.safetensors`], state: original[`${path}/state.json`] }];
  }),
);

/** A checkpoint with damaged files: what is loaded is what was saved, or there is none. */
export const checkpoint: FuzzedReader<LoadedCheckpoint | null> = {
  make(random) {
    const files = { ...original };
    if (chance(random, 0.05)) return { files, expected: (loaded) => assert.equal(loaded?.step, 4) };
    for (let n = 1 + random.below(2); n > 0; n--) {
      const name = chance(random, 0.2) ? oneOf(random, Object.keys(original)) : oneOf(random, names);
      if (chance(random, 0.1)) delete files[name];
      else files[name] = damaged(original[name], random);
    }
    return { files };
  },
  read: loadNewestCheckpoint,
  check(loaded) {
    if (loaded === null) assert.fail('there are checkpoints, and none was seen');
    const { arrays, state } = saved.get(loaded.step) ?? assert.fail(`there was no step ${loaded.step}`);
    assert.deepEqual(loaded.state, JSON.parse(Buffer.from(state).toString()));
    for (const [name, { data }] of decodeSafetensors(arrays).tensors) assert.deepEqual(loaded.arrays.get(name), data);
  },
};

/** Puts right lengths and checksums into the manifest of the newest checkpoint. */
function seal(files: Record<string, Uint8Array>): void {
  const checks = Object.fromEntries(
    names
      .slice(0, 2)
      .map((path) => [
        path.slice(newest.length + 1),
        { bytes: files[path].length, sha256: createHash('sha256').update(files[path]).digest('hex') },
      ]),
  );
  files[names[2]] = Buffer.from(JSON.stringify({ step: 4, files: checks }));
}

/** The folder of a run with a forged checkpoint, curve or lock: the run goes on for a step, or is refused by code. */
export const run: FuzzedReader<number> = {
  writes: true,
  make(random) {
    const files: Record<string, Uint8Array> = { ...original };
    if (chance(random, 0.05)) return { files, expected: (step) => assert.equal(step, 5) };
    const kind = random.below(6);
    if (kind <= 2) {
      const state = JSON.parse(Buffer.from(files[names[1]]).toString()) as Record<string, unknown>;
      // The identity is compared as a whole; most of the time something else is to be changed.
      const { identity, ...rest } = state;
      const other = chance(random, 0.1) ? damagedData(state, random) : damagedData(rest, random);
      files[names[1]] = Buffer.from(
        JSON.stringify(typeof other === 'object' && other !== null ? { identity, ...other } : other),
      );
    } else if (kind <= 4) files[names[0]] = forgedArrays(files[names[0]], random);
    else {
      const name = oneOf(random, ['curve.csv', 'run.lock']);
      const text = name === 'curve.csv' ? Buffer.from(files[name]).toString() : '{"pid":1,"host":"a","token":"b"}';
      files[name] = Buffer.from(damagedText(text, random));
    }
    seal(files);
    return { files };
  },
  async read(folder) {
    const step = await quietly(5, folder);
    for (const { figures } of readCurve(join(folder, 'curve.csv'), curve))
      assertFinite(
        Object.values(figures).filter((figure) => figure !== null),
        'the curve',
      );
    return step;
  },
  check: (step) => assert.equal(step, 5, 'the run did not go on'),
};

function forgedArrays(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const { tensors } = decodeSafetensors(bytes);
  const name = oneOf(random, [...tensors.keys()]);
  const tensor = tensors.get(name) ?? assert.fail();
  const { data } = tensor;
  switch (random.below(4)) {
    case 0:
      tensors.delete(name);
      break;
    case 1: {
      const shorter = data.slice(random.below(data.length + 1));
      tensors.set(name, { ...tensor, shape: [shorter.length], data: shorter });
      break;
    }
    case 2: {
      const other = data instanceof Float32Array ? Int32Array.from(data) : Float32Array.from(data);
      tensors.set(name, { ...tensor, dtype: data instanceof Float32Array ? 'I32' : 'F32', data: other });
      break;
    }
    default:
      if (data.length > 0)
        for (let n = 1 + random.below(4); n > 0; n--)
          data[random.below(data.length)] = oneOf(random, [NaN, Infinity, 1e30, -1, 2 ** 31 - 1, 1e6, 0]);
  }
  return encodeSafetensors(tensors);
}
