// Measures how close a voice's copies of recordings come to them. Use recordings that it has not been trained on.
//
//   node examples/node/evaluate.js voice.safetensors recordings/ [how many]
import { chooseKernels, evaluateSystems, openCorpus, openVoiceSystem } from 'sparsewavernn';

const [voicePath, recordings, limit = 'all'] = process.argv.slice(2);

const system = await openVoiceSystem({
  path: voicePath,
  name: 'voice',
  seed: 1,
  temperature: 1,
  kernels: chooseKernels(),
});
const { clips } = await openCorpus(recordings);
const evaluation = await evaluateSystems({
  systems: [system],
  clips: limit === 'all' ? clips : clips.slice(0, Number(limit)),
  reference: recordings,
});
system.dispose();

const [{ summary }] = evaluation.systems;
for (const { name, title, unit, digits } of evaluation.measures) {
  const { mean, low, high } = summary[name];
  if (mean === null) continue;
  const interval = low === null ? '' : ` (95% confidence: ${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  console.log(`${title}: ${mean.toFixed(digits)} ${unit}${interval}`);
}
