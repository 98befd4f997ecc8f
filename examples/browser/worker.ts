// Speaks beside the page's own thread: the voice and the kernels are loaded once, then each request becomes chunks of
// PCM.
import * as tf from '@tensorflow/tfjs-core';
import {
  conformFeatures,
  decodeAcoustic,
  decodeG2p,
  decodeNpy,
  decodeVoice,
  melSettingsSchema,
  melSpectrogram,
  Pronouncer,
  registerFastKernels,
  speak,
  type SpeakerParts,
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

/** The bytes of a file beside the page. */
async function bytesOf(name: string): Promise<Uint8Array> {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: status ${response.status}, expected the file beside the page`);
  return new Uint8Array(await response.arrayBuffer());
}

let reader: Promise<SpeakerParts> | undefined;

/** What texts are spoken with, loaded at the first one. */
function loadReader(kernels: SpeakerParts['kernels']): Promise<SpeakerParts> {
  reader ??= (async () => {
    const [acousticFile, voiceFile] = await Promise.all([
      bytesOf('acoustic.safetensors'),
      bytesOf('reader.safetensors'),
    ]);
    const acoustic = decodeAcoustic(acousticFile);
    const pronouncer = new Pronouncer({
      own: acoustic.lexicon,
      g2p: async () => decodeG2p(await bytesOf('english.g2p')),
    });
    return { acoustic, voice: decodeVoice(voiceFile), pronouncer, kernels, tf };
  })();
  reader.catch(() => (reader = undefined));
  return reader;
}

type FeatureRequest = Exclude<Request, { readonly text: string }>;

function featuresOf(request: FeatureRequest, voice: Voice) {
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
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    let [firstSeconds, samples, sampleRate] = [0, 0, voice.features.sampleRate];
    const sound = (pcm: Int16Array) => {
      if (pcm.length === 0) return;
      firstSeconds ||= seconds();
      samples += pcm.length;
      reply({ kind: 'chunk', pcm, sampleRate });
    };
    if ('text' in request) {
      const parts = await loadReader(kernels);
      sampleRate = parts.voice.features.sampleRate;
      for await (const { pcm, sentence, last } of speak(request.text, parts)) {
        sound(pcm);
        if (last) for (const { note } of sentence.said.notes) reply({ kind: 'note', text: note });
      }
      if (samples === 0) throw new Error('there is nothing to speak in the text');
    } else for await (const pcm of synthesize(voice, featuresOf(request, voice), { kernels, tf })) sound(pcm);
    reply({ kind: 'done', workSeconds: seconds(), firstSeconds, audioSeconds: samples / sampleRate });
  } catch (error) {
    explain(error);
  }
};
