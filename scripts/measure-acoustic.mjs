// How near an acoustic model and a voice come to held-out recordings, from their transcripts alone:
//   node scripts/measure-acoustic.mjs RECIPE MODEL VOICE [CORPUS]
// Mel-cepstral distortion, and the melody in voiced frames, both after dynamic time warping on the mel cepstra; the
// constant speaks every frame at the reader's mean log F0 in the same frames.
import { fromInt16 } from '../dist/src/audio/audio.js';
import { openTrainingCorpus } from '../dist/src/data/corpora/training_corpus.js';
import { openFeatureStore } from '../dist/src/data/store/feature_store.js';
import { measureHop, warp } from '../dist/src/evaluation/alignment.js';
import { trackPitch } from '../dist/src/evaluation/pitch.js';
import { cepstralDistance, melCepstra, melCepstralDistortion } from '../dist/src/evaluation/spectral_distances.js';
import {
  chooseKernels,
  findVoice,
  loadAcoustic,
  loadAcousticRecipe,
  loadVoice,
  MelPredictor,
  openPronouncer,
  phonesOf,
  synthesize,
  tokensOf,
} from '../dist/src/index.js';

const [recipePath, modelPath, voiceName, data] = process.argv.slice(2);
if (voiceName === undefined) {
  console.error('usage: node scripts/measure-acoustic.mjs RECIPE MODEL VOICE [CORPUS]');
  process.exit(2);
}
const recipe = loadAcousticRecipe(recipePath, { data });
const corpus = await openTrainingCorpus(recipe.data);
const kernels = chooseKernels();
const { validation } = await openFeatureStore({
  corpus,
  settings: recipe.features,
  treatment: recipe.data.treatment,
  cacheDir: 'runs/cache',
  threads: kernels.threads,
  validation: recipe.data.validation,
});
const model = await loadAcoustic(modelPath);
const voice = await loadVoice(findVoice(voiceName).path);
const predictor = new MelPredictor(model, kernels);
const pronouncer = await openPronouncer();
const { sampleRate } = recipe.features;
const hop = measureHop(sampleRate);
const texts = new Map(corpus.clips.map(({ id, text }) => [id, text]));
const [distortions, ratios, predicted, actual] = [[], [], [], []];
let [made, seconds] = [0, 0];
for (const clip of validation) {
  const target = fromInt16(clip.pcm(0, clip.samples));
  const begun = performance.now();
  const chunks = [];
  for await (const sentence of phonesOf(texts.get(clip.id), { pronouncer })) {
    const mel = predictor.predict(tokensOf(sentence, { openEnding: 'statement' }));
    for await (const chunk of synthesize(voice, mel, { kernels })) chunks.push(...chunk);
  }
  made += chunks.length / sampleRate;
  seconds += (performance.now() - begun) / 1000;
  const spoken = fromInt16(Int16Array.from(chunks));
  const [a, b] = [target, spoken].map((samples) => melCepstra(samples, sampleRate));
  const path = warp(a.frames, b.frames, (i, j) => cepstralDistance(a, i, b, j));
  distortions.push(melCepstralDistortion(a, b, path));
  ratios.push(spoken.length / target.length);
  const [f, g] = [target, spoken].map((samples) => trackPitch(samples, sampleRate, hop));
  path.target.forEach((frame, i) => {
    const [theirs, ours] = [f[frame], g[path.output[i]]];
    if (theirs > 0 && ours > 0) {
      actual.push(Math.log(theirs));
      predicted.push(Math.log(ours));
    }
  });
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const cents = (errors) => (1200 / Math.LN2) * Math.sqrt(mean(errors.map((error) => error ** 2)));
const [p, q] = [mean(predicted), mean(actual)];
const covariance = mean(predicted.map((value, i) => (value - p) * (actual[i] - q)));
const spread = (values, centre) => Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
console.log(`${validation.length} held-out clips, the text alone; voice ${voiceName}`);
console.log(
  `mel-cepstral distortion ${mean(distortions).toFixed(2)} dB; length ${mean(ratios).toFixed(3)} of the recording`,
);
console.log(
  `log F0: correlation ${(covariance / spread(predicted, p) / spread(actual, q)).toFixed(3)}, RMSE ` +
    `${cents(predicted.map((value, i) => value - actual[i])).toFixed(0)} cents, of the constant ` +
    `${cents(actual.map((value) => value - model.statistics.logF0.mean)).toFixed(0)} cents (${actual.length} frames)`,
);
console.log(`${(seconds / made).toFixed(2)} s of work per second of speech`);
