// Hands a text, features or a recording to the worker, plays the chunks as they come, and says how fast they came.
import { WaveFile } from 'wavefile';
import type { Reply, Request } from './protocol.js';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [speakButton, textForm, text, textButton, fileInput, status, download] = [
  element<HTMLButtonElement>('speak'),
  element<HTMLFormElement>('text-form'),
  element<HTMLTextAreaElement>('text'),
  element<HTMLButtonElement>('speak-text'),
  element<HTMLInputElement>('file'),
  element('status'),
  element<HTMLAnchorElement>('download'),
];

const worker = new Worker('worker.js', { type: 'module' });
/** Of the voice that copies; 0 until it is there. */
let voiceRate = 0;
/** Of what was spoken last. */
let sampleRate = 0;
let audio: AudioContext | undefined;
let playedUntil = 0;
let chunks: Int16Array[] = [];

function say(text: string): void {
  status.textContent = text;
}

function enable(ready: boolean): void {
  speakButton.disabled = textButton.disabled = fileInput.disabled = !ready;
}

/** Schedules a chunk right after the last one; one that comes late starts at once. */
function play(context: AudioContext, pcm: Int16Array): void {
  const buffer = context.createBuffer(1, pcm.length, sampleRate);
  buffer.copyToChannel(
    Float32Array.from(pcm, (sample) => sample / 32768),
    0,
  );
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  const start = Math.max(playedUntil, context.currentTime);
  source.start(start);
  playedUntil = start + pcm.length / sampleRate;
}

function wavOf(parts: readonly Int16Array[]): Uint8Array<ArrayBuffer> {
  const samples = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  const wav = new WaveFile();
  wav.fromScratch(1, sampleRate, '16', samples);
  return wav.toBuffer().slice();
}

worker.onmessage = ({ data: reply }: MessageEvent<Reply>) => {
  switch (reply.kind) {
    case 'ready':
      voiceRate = reply.sampleRate;
      enable(true);
      return say(`ready, kernels ${reply.kernels}`);
    case 'note':
      return say(`note: ${reply.text}`);
    case 'chunk':
      sampleRate = reply.sampleRate;
      chunks.push(reply.pcm);
      if (audio) play(audio, reply.pcm);
      return;
    case 'done': {
      const { workSeconds, audioSeconds, firstSeconds } = reply;
      say(
        `${audioSeconds.toFixed(2)} s of speech in ${workSeconds.toFixed(2)} s, real-time factor ` +
          `${(workSeconds / audioSeconds).toFixed(3)} (below 1 is faster than real time), ` +
          `first sound after ${firstSeconds.toFixed(2)} s`,
      );
      URL.revokeObjectURL(download.href);
      download.href = URL.createObjectURL(new Blob([wavOf(chunks)], { type: 'audio/wav' }));
      download.hidden = false;
      enable(true);
      return;
    }
    case 'error':
      enable(voiceRate > 0);
      return say(reply.text);
  }
};

/** Called in a click or a change of the file: without one, browsers keep an AudioContext silent. */
async function speak(prepare: () => Promise<Request>): Promise<void> {
  enable(false);
  download.hidden = true;
  say('speaking …');
  chunks = [];
  playedUntil = 0;
  await audio?.close();
  audio = new AudioContext({ sampleRate: voiceRate });
  try {
    worker.postMessage(await prepare());
  } catch (error) {
    enable(true);
    say(error instanceof Error ? error.message : String(error));
  }
}

const bytes = async (from: Response | Blob) => new Uint8Array(await from.arrayBuffer());

speakButton.onclick = () =>
  speak(async () => {
    const [npy, json] = await Promise.all([fetch('speech.npy'), fetch('speech.json')]);
    return { name: 'speech.npy', npy: await bytes(npy), settings: await json.json() };
  });

textForm.onsubmit = (event) => {
  event.preventDefault();
  void speak(() => Promise.resolve({ name: 'text', text: text.value }));
};

fileInput.onchange = () => {
  const file = fileInput.files?.[0];
  if (!file) return;
  void speak(async () => {
    if (file.name.toLowerCase().endsWith('.npy')) return { name: file.name, npy: await bytes(file) };
    // The browser decodes whatever formats it knows, and resamples.
    const recording = await new OfflineAudioContext(1, 1, voiceRate).decodeAudioData(await file.arrayBuffer());
    const samples = new Float32Array(recording.length);
    for (let channel = 0; channel < recording.numberOfChannels; channel++)
      recording.getChannelData(channel).forEach((value, i) => (samples[i] += value / recording.numberOfChannels));
    return { name: file.name, samples };
  });
};
