// What voices speak from predicted mels, beside the recordings:
//   node scripts/copy-predicted.mjs RECIPE MODEL CORPUS OUT SEED VOICE...
// The mels of the held-out clips come from the acoustic model, frame by frame, with the recordings' durations, energy and
// melody. Writes OUT/reference and a folder for each voice: tts-eval takes them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openTrainingCorpus } from '../dist/src/data/corpora/training_corpus.js';
import { openFeatureStore } from '../dist/src/data/store/feature_store.js';
import {
  chooseKernels,
  findVoice,
  loadAcoustic,
  loadAcousticRecipe,
  loadVoice,
  openPronouncer,
  synthesize,
  WavStream,
} from '../dist/src/index.js';
import { openAcousticData } from '../dist/src/training/acoustic/open.js';
import { predictedStore } from '../dist/src/training/acoustic/predicted_store.js';

const [recipePath, modelPath, data, out, seed, ...voices] = process.argv.slice(2);
if (voices.length === 0) {
  console.error('usage: node scripts/copy-predicted.mjs RECIPE MODEL CORPUS OUT SEED VOICE...');
  process.exit(2);
}
const recipe = loadAcousticRecipe(recipePath, { data });
const corpus = await openTrainingCorpus(recipe.data);
const kernels = chooseKernels();
const { threads } = kernels;
const cacheDir = 'runs/cache';
const { treatment, validation } = recipe.data;
const store = await openFeatureStore({ corpus, settings: recipe.features, treatment, cacheDir, threads, validation });
const model = await loadAcoustic(modelPath);
const { clips } = corpus;
const { statistics } = model;
const pronouncer = await openPronouncer();
const sources = { store, clips, pronouncer, cacheDir, threads, others: [], statistics };
const predicted = predictedStore(store, await openAcousticData(sources), model, '', kernels);

async function write(folder, id, chunks) {
  mkdirSync(join(out, folder), { recursive: true });
  const wav = await WavStream.open(join(out, folder, `${id}.wav`), recipe.features.sampleRate);
  for await (const chunk of chunks) await wav.write(chunk);
  await wav.close();
}

for (const clip of store.validation) await write('reference', clip.id, [clip.pcm(0, clip.samples)]);
for (const [i, path] of voices.entries()) {
  const { name } = findVoice(path);
  const voice = await loadVoice(findVoice(path).path);
  for (const { id, frames, features } of predicted.validation)
    await write(
      `${i + 1}-${name}`,
      id,
      synthesize(voice, { data: features(0, frames), frames }, { seed: Number(seed), kernels }),
    );
}
