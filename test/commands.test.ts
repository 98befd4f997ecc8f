import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, run, runWarm, temporaryFolder, tinyTraining } from './support/command_line.js';

const commands = ['prepare', 'train', 'speak', 'synth', 'eval', 'export', 'bench', 'listen', 'worker', 'cluster'];
const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  bin: Record<string, string>;
};
const tinySize = tinyTraining.slice(3);

test('every command has --help and --version, and package.json names its script', () => {
  for (const command of commands) {
    const help = run(command, '--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, new RegExp(`^Usage: tts-${command} `));
    assert.equal(runWarm(command, '--version').stdout, `${version}\n`);
    assert.ok(existsSync(join(root, bin[`tts-${command}`])));
  }
});

test('an unknown option is refused with status 2', () => {
  for (const command of commands) {
    const { status, stderr } = runWarm(command, '--loudly');
    assert.equal(status, 2);
    assert.match(stderr, /^error ERR_ARGUMENT: .*--loudly/);
  }
});

test('training writes what the README promises, and --json tells where', (t) => {
  const out = join(temporaryFolder(t), 'run');
  const { status, stdout, stderr } = run('train', ...tinyTraining, '--steps', '5', '--out', out, '--json');
  assert.equal(status, 0, stderr);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(result.step, 5);
  assert.equal(result.voice, join(out, 'voice.safetensors'));
  assert.ok((result.validationNll as number) > 4 && (result.validationNll as number) < 11.1);
  assert.deepEqual(readdirSync(join(out, 'checkpoints')), ['000000003', '000000005']);
  const samples = readdirSync(join(out, 'samples'));
  assert.ok(samples.includes('LJ001-0008-target.wav') && samples.includes('LJ001-0008-step-0000005.wav'));
  assert.match(readdirSync(join(out, 'logs'))[0], /^events\.out\.tfevents\./);
  assert.match(
    readFileSync(join(out, 'curve.csv'), 'utf8'),
    /^step,seconds,loss,validation_nll,stoi,.*\n4,.*\n5,.*\n$/,
  );
  assert.match(stderr, /step 5\/5 · loss \d\.\d+ · validation \d\.\d+ · density 50\.0% · [\d,]+ samples\/s/);
});

test('the four encodings and three block shapes train', (t) => {
  const folder = temporaryFolder(t);
  for (const [encoding, block] of [
    ['linear16', '[4, 4]'],
    ['mulaw10', '[1, 1]'],
    ['lpc10', '[16, 1]'],
    ['ltp10', '[16, 1]'],
  ]) {
    const { status, stdout, stderr } = runWarm(
      'train',
      ...tinyTraining,
      '--steps',
      '2',
      '--out',
      join(folder, encoding),
      '--set',
      `model.encoding=${encoding}`,
      '--set',
      `model.block=${block}`,
      '--json',
    );
    assert.equal(status, 0, stderr);
    assert.ok(Number.isFinite((JSON.parse(stdout) as { validationNll: number }).validationNll));
  }
});

test('--minutes bounds a run, and training on the reference kernels works', (t) => {
  const { status, stdout, stderr } = runWarm(
    'train',
    ...tinyTraining,
    '--kernels',
    'reference',
    '--set',
    'training.lanes=4',
    '--set',
    'data.validation.clips=[LJ001-0008]',
    '--minutes',
    '0.02',
    '--out',
    join(temporaryFolder(t), 'run'),
    '--json',
  );
  assert.equal(status, 0, stderr);
  const { step, steps, kernels } = JSON.parse(stdout) as { step: number; steps: number; kernels: string };
  assert.ok(step >= 1 && step < steps);
  assert.equal(kernels, 'reference');
});

test('what cannot be trained on is refused by code', (t) => {
  const folder = temporaryFolder(t);
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const typo = join(folder, 'recipe.yaml');
  writeFileSync(
    typo,
    readFileSync(join(root, 'recipes', 'ljspeech', 'recipe.yaml'), 'utf8').replace('learningRate:', 'learningrate:'),
  );
  const out = join(folder, 'never');
  const cases: [RegExp, string[]][] = [
    [/error ERR_CORPUS: .*empty/, ['recipes/ljspeech', '--data', empty]],
    [/error ERR_CORPUS: .*nowhere/, ['recipes/ljspeech', '--data', join(folder, 'nowhere')]],
    [/error ERR_RECIPE: .*learningrate.*learningRate/, [typo]],
    [/error ERR_FILE_NOT_FOUND: .*no-such-recipe/, ['no-such-recipe']],
    [/error ERR_RECIPE: .*size "tiny" is unknown/, ['recipes/ljspeech', '--size', 'tiny']],
    [/error ERR_RECIPE: .*training\.learningRate/, ['recipes/ljspeech', '--set', 'training.learningRate=fast']],
    [/error ERR_ARGUMENT: .*threads is 0/, ['recipes/ljspeech', '--threads', '0']],
    [/error ERR_ARGUMENT: .*--minutes/, ['recipes/ljspeech', '--minutes', '-3']],
  ];
  for (const [expected, args] of cases) {
    const { status, stderr } = runWarm('train', ...args, '--out', out);
    assert.match(stderr, expected);
    assert.equal(status, 2);
  }
  assert.ok(!existsSync(out));
});

test('the benchmarks print figures that are consistent', () => {
  const trained = runWarm(
    'bench',
    'train',
    '--size',
    'small',
    '--seconds',
    '0.1',
    '--threads',
    '1',
    '--json',
    ...tinySize,
  );
  assert.equal(trained.status, 0, trained.stderr);
  const [training] = JSON.parse(trained.stdout) as (Record<string, number> & {
    parts: { part: string; share: number }[];
  })[];
  const total = training.parts.reduce((sum, { share }) => sum + share, 0);
  assert.ok(Math.abs(total - 1) < 1e-9 && training.parts.length >= 6, `the parts of a step add up to ${total}`);
  assert.ok(training.samplesPerSecond > 0 && training.bestSamplesPerSecond >= training.samplesPerSecond);
  assert.ok(Math.abs(training.gmacPerThread - (training.samplesPerSecond * training.nonZeros * 3) / 1e9) < 1e-6);
  const sampled = runWarm(
    'bench',
    'sample',
    '--size',
    'small',
    '--seconds',
    '0.1',
    '--json',
    '--precision',
    'int8',
    '--profile',
    ...tinySize,
  );
  assert.equal(sampled.status, 0, sampled.stderr);
  const [sampling] = JSON.parse(sampled.stdout) as Record<string, number>[];
  assert.ok(Math.abs(sampling.sideBySideGain - sampling.sideBySidePerSecond / sampling.samplesPerSecond) < 1e-9);
  assert.ok(Math.abs(sampling.realTimeFactor * sampling.samplesPerSecond - 22050) < 1);
});

test('the curve of a run is drawn over another', (t) => {
  const folder = temporaryFolder(t);
  const header = 'step,seconds,loss,validation_nll,stoi,log_spectral_distance,bursts';
  const [run1, reference, broken] = ['run.csv', 'reference.csv', 'broken.csv'].map((name) => join(folder, name));
  writeFileSync(run1, `${header}\n100,9.0,6.1,6.0000,,,\n200,19.0,5.9,5.8000,0.8000,6.1,0.5\n`);
  writeFileSync(reference, `${header}\n100,9.0,6.1,6.2000,0.7000,,\n200,19.0,5.9,5.7000,0.8100,6.1,0.5\n`);
  writeFileSync(broken, `${header}\n100,?,6.1\n`);
  const { status, stdout, stderr } = runWarm('bench', 'curve', run1, '--reference', reference);
  assert.equal(status, 0, stderr);
  for (const expected of ['held-out NLL', 'STOI', '6.2', '5.7', 'reference', 'this run'])
    assert.ok(stdout.includes(expected), expected);
  assert.match(runWarm('bench', 'curve', join(folder, 'none')).stderr, /error ERR_FILE_NOT_FOUND: .*curve\.csv/);
  assert.match(runWarm('bench', 'curve', broken, '--reference', reference).stderr, /error ERR_FILE_READ: .*line 2/);
});
