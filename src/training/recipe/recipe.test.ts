import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { melPresets } from '../../audio/presets.js';
import { loadVoiceSync } from '../../model/voice/file.js';
import {
  loadAcousticRecipe,
  loadAnyRecipe,
  loadRecipe,
  type Recipe,
  type RecipeOptions,
  waveRnnConfig,
} from './recipe.js';

const shipped = 'recipes/ljspeech';
const text = readFileSync(join(shipped, 'recipe.yaml'), 'utf8');
const lineOf = (needle: string): number => text.slice(0, text.indexOf(needle)).split('\n').length;

const refuses = (load: () => unknown, message: RegExp | string, code = 'ERR_RECIPE'): void =>
  assert.throws(load, (error: Error & { code?: string }) => {
    assert.equal(error.code, code);
    if (typeof message === 'string')
      assert.ok(error.message.includes(message), `${error.message}\ndoes not say\n${message}`);
    else assert.match(error.message, message);
    return true;
  });

/** Loads the shipped recipe with one piece of its text replaced. */
function edited(from: string, to: string, options: RecipeOptions = {}): () => Recipe {
  return () => {
    const dir = mkdtempSync(join(tmpdir(), 'recipe-'));
    try {
      assert.ok(text.includes(from));
      writeFileSync(join(dir, 'recipe.yaml'), text.replace(from, to));
      return loadRecipe(dir, options);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };
}

test('the shipped recipe loads, from its folder or its file', () => {
  const recipe = loadRecipe(shipped);
  assert.deepEqual(loadRecipe(join(shipped, 'recipe.yaml')), recipe);
  assert.deepEqual(recipe.features, melPresets.hifigan);
  assert.equal(recipe.data.validation.clips?.length, 6);
  assert.deepEqual(JSON.parse(JSON.stringify(recipe)), recipe);
});

test('each size makes the network of that size', () => {
  const sizes = { small: [384, 192, 0.1], medium: [1024, 512, 0.05], large: [1792, 896, 0.03] };
  for (const [size, [hidden, projection, density]] of Object.entries(sizes)) {
    const config = waveRnnConfig(loadRecipe(shipped, { size }));
    assert.deepEqual(
      [config.hidden, config.projection, config.density],
      [hidden, projection, { recurrent: density, output: density }],
    );
    assert.deepEqual(config.block, { rows: 16, columns: 1 });
  }
});

test('an unknown size or preset names the nearest one', () => {
  refuses(
    () => loadRecipe(shipped, { size: 'smal' }),
    'size "smal" is unknown; did you mean "small"? Known: small, medium, large',
  );
  refuses(edited('features: hifigan', 'features: hifi-gan'), 'features "hifi-gan" is unknown; did you mean "hifigan"?');
});

test('the recipe of the Kathleen corpus treats recordings and holds out 24 clips', () => {
  const { data, features } = loadRecipe('recipes/kathleen');
  assert.deepEqual(data.treatment, { highPass: 60, level: -23, levelPer: 'corpus' });
  assert.equal(new Set(data.validation.clips).size, 24);
  assert.deepEqual(features, melPresets.hifigan);
});

test('recordings stay as they are unless the recipe says how they are treated', () => {
  assert.deepEqual(loadRecipe(shipped).data.treatment, { highPass: null, level: null, levelPer: 'corpus' });
  assert.deepEqual(
    loadRecipe(shipped, { set: ['data.treatment={ highPass: 60, level: -23, levelPer: clip }'] }).data.treatment,
    { highPass: 60, level: -23, levelPer: 'clip' },
  );
  assert.deepEqual(loadRecipe(shipped, { set: ['data.treatment.level=-20'] }).data.treatment, {
    highPass: null,
    level: -20,
    levelPer: 'corpus',
  });
  refuses(() => loadRecipe(shipped, { set: ['data.treatment.highpass=60'] }), 'did you mean data.treatment.highPass?');
  refuses(() => loadRecipe(shipped, { set: ['data.treatment.level=23'] }), 'data.treatment.level is 23');
});

test('--set changes single values, read as YAML', () => {
  const recipe = loadRecipe(shipped, {
    set: [
      'training.learningRate=5e-4',
      'model.block=[4, 4]',
      'sparsity.method=pruning',
      'sizes.tiny={hidden: 32, projection: 16, density: {recurrent: 0.5, output: 1}}',
      'size=tiny',
    ],
  });
  assert.equal(recipe.training.learningRate, 5e-4);
  assert.equal(recipe.sparsity.method, 'pruning');
  assert.equal(waveRnnConfig(recipe).hidden, 32);
  assert.deepEqual(waveRnnConfig(recipe).block, { rows: 4, columns: 4 });
});

test('features can be given as full settings', () => {
  const settings = { ...melPresets.hifigan, bins: 64 };
  assert.deepEqual(loadRecipe(shipped, { set: [`features=${JSON.stringify(settings)}`] }).features, settings);
  refuses(
    () => loadRecipe(shipped, { set: [`features=${JSON.stringify({ ...settings, binz: 3 })}`] }),
    '--set: unknown key features.binz; did you mean features.bins?',
  );
  refuses(
    () => loadRecipe(shipped, { set: ['features=3'] }),
    'features is 3; expected the name of a preset or all settings',
  );
});

test('a recipe may begin from a voice, whose settings take the place of its own; an option wins', () => {
  const voice = 'test/fixtures/voice/version-1.safetensors';
  const { config, features } = loadVoiceSync(voice);
  const fromFile = edited('size: small', `from: ${voice}\nsize: small`)();
  assert.deepEqual([waveRnnConfig(fromFile), fromFile.features, fromFile.from], [config, features, voice]);
  const fromOption = loadRecipe(shipped, { from: voice });
  assert.deepEqual(fromOption, fromFile);
  assert.deepEqual(loadRecipe(shipped, { set: [`from=${voice}`] }), fromFile);
  const both = loadRecipe(shipped, { set: [`from=${voice}`], from: 'ljspeech' });
  assert.deepEqual(waveRnnConfig(both), waveRnnConfig(loadRecipe(shipped)));
  assert.deepEqual([both.size, both.from], ['small', 'ljspeech']);
  // What has nothing to do with the network stays.
  const { training, sparsity, data } = loadRecipe(shipped);
  assert.deepEqual([fromFile.training, fromFile.sparsity, fromFile.data], [training, sparsity, data]);
  refuses(() => loadRecipe(shipped, { from: 'nobody' }), 'no voice is called nobody', 'ERR_VOICE_UNKNOWN');
  refuses(() => loadRecipe(shipped, { from: voice, set: ['model=3'] }), 'model is 3');
});

test('the recipe of an acoustic model may begin from one that ships, by its name', () => {
  const acoustic = 'recipes/ljspeech-acoustic';
  const named = loadAcousticRecipe(acoustic, { from: 'kathleen' });
  const file = loadAcousticRecipe(acoustic, { from: 'recipes/kathleen-acoustic/acoustic.safetensors' });
  assert.deepEqual({ ...named, from: file.from }, file);
  refuses(
    () => loadAcousticRecipe(acoustic, { from: 'nobody' }),
    'no acoustic model is called nobody',
    'ERR_VOICE_UNKNOWN',
  );
});

test('the licence of the recipe is not that of another folder', () => {
  assert.equal(loadRecipe(shipped).data.licence, 'public domain');
  assert.equal(loadRecipe(shipped, { data: 'my-recordings' }).data.licence, undefined);
});

test('an unknown key is refused with its line and the nearest known key', () => {
  refuses(
    edited('learningRate:', 'learningrate:'),
    `line ${lineOf('learningRate:')}: unknown key training.learningrate; did you mean training.learningRate?`,
  );
  refuses(
    edited('projection: 512', 'projektion: 512'),
    `line ${lineOf('projection: 512')}: unknown key sizes.medium.projektion; did you mean sizes.medium.projection?`,
  );
  refuses(
    edited('task: vocoder', 'task: vocoder\nlearningRate: 1'),
    `line ${lineOf('task:') + 1}: unknown key learningRate; did you mean training.learningRate?`,
  );
});

test('an unknown key in --set is refused too', () => {
  refuses(
    () => loadRecipe(shipped, { set: ['training.lerningRate=1e-3'] }),
    '--set: unknown key training.lerningRate; did you mean training.learningRate?',
  );
  refuses(() => loadRecipe(shipped, { set: ['__proto__.polluted=1'] }), /unknown key __proto__/);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('data may be several folders, and copies of them altered', () => {
  const several = loadRecipe(shipped, { data: ['a', 'b'], set: ['data.augmentation={ copies: 2, tilt: 0 }'] }).data;
  assert.deepEqual(several.corpus, ['a', 'b']);
  assert.deepEqual(several.augmentation, { copies: 2, speed: 0.1, gain: 6, tilt: 0 });
  assert.equal(several.licence, undefined);
  refuses(() => loadRecipe(shipped, { set: ['data.corpus=[]'] }), 'data.corpus is []; expected');
  refuses(() => loadRecipe(shipped, { set: ['data.augmentation={ copies: 0.5 }'] }), 'data.augmentation.copies is 0.5');
  refuses(() => loadAnyRecipe('recipes/mnist', { data: ['a', 'b'] }), 'data.folder is ["a","b"]');
});

test('a malformed --set is refused', () => {
  refuses(() => loadRecipe(shipped, { set: ['training.lanes'] }), 'expected key=value');
  refuses(() => loadRecipe(shipped, { set: ['training.lanes=[1'] }), '"[1" is not a YAML value');
  refuses(() => loadRecipe(shipped, { set: ['training.lanes.more=1'] }), 'training.lanes is a single value');
  refuses(
    () => loadRecipe(shipped, { set: ['data.validation.clips=[a]', 'data.validation.clips.x=1'] }),
    'data.validation.clips is a list in the recipe and has no key x',
  );
  refuses(() => loadRecipe(shipped, { set: ['data.validation.clips.x=1'] }), /clips/);
  refuses(() => loadRecipe(shipped, { set: ['.=1'] }), /./);
  refuses(() => loadRecipe(shipped, { set: ['__proto__.polluted=1'] }), /unknown key|__proto__/);
});

test('wrong values are refused with path, line and value', () => {
  refuses(edited('lanes: 64', 'lanes: many'), `line ${lineOf('lanes: 64')}: training.lanes is "many"; expected`);
  refuses(edited('hidden: 384', 'hidden: 390'), /sizes\.small\.hidden is 390; .*32/);
  refuses(
    edited('encoding: ltp10', 'encoding: lpc8'),
    /model\.encoding is "lpc8"; .*"linear16"\|"mulaw10"\|"lpc10"\|"ltp10"/,
  );
  refuses(() => loadRecipe(shipped, { set: ['model.block=[2, 2]'] }), /model\.block is 2×2, expected one of .*16×1/);
  refuses(
    () => loadRecipe(shipped, { set: ['model.conditioning.vectors=3'] }),
    'model.conditioning.vectors is 3, expected a divisor of the hop of 256 samples',
  );
  refuses(edited('  clip: 1 #', '  #'), `line ${lineOf('training:')}: training.clip is missing`);
  refuses(edited('start: 500', 'start: 50000'), /sparsity\.pruning is .*expected start before end/);
  refuses(
    () => loadRecipe(shipped, { set: ['training.segment=-1', 'training.ema=1'] }),
    /^.*--set: training\.segment is -1; .* \(and 1 more\)$/,
  );
  refuses(
    () => loadRecipe(shipped, { set: ['sparsity={method: pruning}'] }),
    'method pruning needs the settings sparsity.pruning',
  );
});

test('a recipe whose data are a single value or a list is refused with --data, and for one without a value the message says what is missing', () => {
  const withData = (data: string) => text.replace(/^data:\n(?:[ #].*\n|\n)*/m, `${data}\n`);
  for (const data of ['data: 5', 'data: text', 'data: [a, b]', 'data: &a [1]'])
    refuses(
      () => edited(text, withData(data), { data: 'data/ljspeech-mini' })(),
      /--data: data is a (list|single value)/,
    );
  refuses(edited(text, withData('data:'), { data: 'data/ljspeech-mini' }), 'data.download is missing');
});

test('aliases that unfold without end, and nesting without end, are refused', () => {
  const bomb = [
    'a0: &a0 [x]',
    ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
  ];
  refuses(edited(text, `${text}\n${bomb.join('\n')}\n`), /alias/i);
  refuses(edited(text, `${text}\nx: &x [*x]\n`), /./);
  refuses(edited(text, `${text}\nx: ${'['.repeat(20_000)}\n`), /./);
  refuses(() => loadRecipe(shipped, { set: [`x=${'['.repeat(20_000)}`] }), /./);
  refuses(() => loadRecipe(shipped, { set: ['x=&x [*x]'] }), /./);
});

test('text that is not a recipe is refused', () => {
  refuses(edited('training:\n', 'training: {\n'), /line \d+/);
  refuses(edited(text, '- a list'), 'expected keys and values');
  refuses(edited('size: small', 'size: small\nsize: large'), /unique/);
  refuses(() => loadRecipe('recipes/no-such-recipe'), 'no recipe at recipes/no-such-recipe', 'ERR_FILE_NOT_FOUND');
  refuses(() => loadRecipe('recipes'), 'no recipe at recipes/recipe.yaml', 'ERR_FILE_NOT_FOUND');
});
