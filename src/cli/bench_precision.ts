import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { TtsError } from '../base/errors.js';
import { benchPrecision } from '../bench/precision.js';
import { openCorpus } from '../data/corpora/corpus.js';
import { openFeatureStore } from '../data/store/feature_store.js';
import { chooseKernels } from '../kernels/index.js';
import { loadVoice } from '../model/voice/file.js';
import { defaultVoice, findVoice } from '../model/voice/shipped.js';
import { loadRecipe } from '../training/recipe/recipe.js';
import { kernelsHelp } from './options.js';
import { examples } from './program.js';
import { bar } from './progress.js';
import { voiceHelp } from './voices.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Options {
  data: string;
  recipe: string;
  kernels?: string;
  json?: boolean;
}

/** `tts-bench precision`: what bf16 and int8 cost a voice. */
export const precisionCommand = new Command('precision')
  .description('NLL on held-out speech in each precision, through the sampler’s own arithmetic')
  .argument('[voice]', voiceHelp, defaultVoice)
  .option('--data <dir>', 'a corpus', join(root, 'data', 'ljspeech-mini'))
  .option('--recipe <path>', 'the recipe that says which clips are held out', join(root, 'recipes', 'ljspeech'))
  .option('--kernels <name>', kernelsHelp)
  .option('--json', 'print JSON')
  .addHelpText(
    'after',
    examples('tts-bench precision', 'tts-bench precision runs/my-voice/voice.safetensors --data my-recordings'),
  )
  .action(async (nameOrFile: string, { data, recipe, kernels: name, json }: Options) => {
    const kernels = chooseKernels({ name });
    const { path } = findVoice(nameOrFile);
    const voice = await loadVoice(path);
    const { validation } = loadRecipe(recipe, { data }).data;
    const store = await openFeatureStore({
      corpus: await openCorpus(data),
      settings: voice.features,
      treatment: { ...voice.treatment, levelPer: 'clip' },
      cacheDir: join('runs', 'cache'),
      threads: kernels.threads,
      validation,
      onProgress: bar('features'),
    });
    if (store.validation.length === 0)
      throw new TtsError('ERR_CORPUS', `${data} has no held-out clips, expected at least one`);
    const figures = await benchPrecision(voice, store.validation, kernels, bar('clips'));
    if (json) return console.log(JSON.stringify(figures, null, 2));
    console.log(
      `${path}, ${figures[0].clips} held-out clips, ` +
        `${figures[0].samples.toLocaleString('en-US')} samples, kernels ${kernels.name}`,
    );
    console.log(
      '| precision | NLL, nats per sample | more than the first | divergence from ' +
        'the first |\n| --- | --- | --- | --- |',
    );
    for (const { precision, nll, over, divergence } of figures)
      console.log(`| ${precision} | ${nll.toFixed(4)} | ${over.toFixed(4)} | ${divergence.toFixed(4)} |`);
  });
