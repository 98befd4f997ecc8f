// Speaks beside the page's own thread: the voice and the kernels are loaded once, then each request becomes chunks of
// PCM.
import * as tf from '@tensorflow/tfjs-core';
import {
  conformFeatures,
  decodeNpy,
  decodeVoice,
  melSettingsSchema,
  melSpectrogram,
  registerFastKernels,
  synthesize,
  treat,
  type Voice,
  wasmKernels,
} from '../../src/browser.js';
import type { Reply, Request } from './protocol.js';

import '@tensorflow/tfjs-backend-cpu';

const reply = (message: Reply) => self.postMessage(message);

async function load() {
  const [module, voiceFile] = await Promise.all([
    WebAssembly.compileStreaming(fetch('kernels.wasm')),
    fetch('voice.safetensors'),
  ]);
  const kernels = wasmKernels(module);
  tf.enableProdMode();
  await tf.setBackend('cpu');
  registerFastKernels(tf, kernels);
  const voice = decodeVoice(new Uint8Array(await voiceFile.arrayBuffer()));
  reply({ kind: 'ready', sampleRate: voice.features.sampleRate, kernels: kernels.name });
  return { kernels, voice };
}

function featuresOf(request: Request, voice: Voice) {
  if ('samples' in request) {
    const { features, treatment } = voice;
    return melSpectrogram(treat(request.samples, features.sampleRate, treatment), features);
  }
  const raw = {
    path: request.name,
    array: decodeNpy(request.npy, request.name),
    ...(request.settings !== undefined && { settings: melSettingsSchema.parse(request.settings) }),
  };
  const { data, frames, notes } = conformFeatures(raw, {
    name: 'ljspeech',
    settings: voice.features,
    statistics: voice.statistics,
  });
  for (const text of notes) reply({ kind: 'note', text });
  return { data, frames };
}

const loaded = load();
const explain = (error: unknown) =>
  reply({ kind: 'error', text: error instanceof Error ? error.message : String(error) });
loaded.catch(explain);

self.onmessage = async ({ data: request }: MessageEvent<Request>) => {
  try {
    const { kernels, voice } = await loaded;
    const { sampleRate, hop } = voice.features;
    const begun = performance.now();
    const features = featuresOf(request, voice);
    let firstSeconds = 0;
    for await (const pcm of synthesize(voice, features, { kernels, tf })) {
      firstSeconds ||= (performance.now() - begun) / 1000;
      reply({ kind: 'chunk', pcm });
    }
    reply({
      kind: 'done',
      workSeconds: (performance.now() - begun) / 1000,
      firstSeconds,
      audioSeconds: (features.frames * hop) / sampleRate,
    });
  } catch (error) {
    explain(error);
  }
};
