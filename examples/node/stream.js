// Speaks while an acoustic model is still at work: features come piece by piece, and sound comes before the last one.
// The acoustic model is a stand-in here, which computes the mel spectrogram of a recording and takes its time about it.
//
//   node examples/node/stream.js recording.wav out.wav
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadVoice, melSpectrogram, readAudio, synthesize, treat, WavStream } from 'sparsewavernn';

const [recording, output] = process.argv.slice(2);
const voice = await loadVoice(fileURLToPath(new URL('../../recipes/ljspeech/voice.safetensors', import.meta.url)));
const { sampleRate, hop, bins } = voice.features;

let framesMade = 0;
let finished = false;

/** Yields 20 frames every 50 ms, as the voice expects them: float32, [frames, bins]. */
async function* acousticModel() {
  const { samples } = await readAudio(recording, { sampleRate });
  const { data, frames } = melSpectrogram(treat(samples, sampleRate, voice.treatment), voice.features);
  for (let first = 0; first < frames; first += 20) {
    await setTimeout(50);
    const count = Math.min(20, frames - first);
    framesMade += count;
    yield { data: data.slice(first * bins, (first + count) * bins), frames: count };
  }
  finished = true;
}

const wav = await WavStream.open(output, sampleRate);
let spoken = 0;
for await (const pcm of synthesize(voice, acousticModel())) {
  if (spoken === 0)
    console.log(`first sound after ${framesMade} frames, the model ${finished ? 'had ended' : 'works'}`);
  await wav.write(pcm);
  spoken += pcm.length;
}
await wav.close();
console.log(`${output}: ${spoken / hop} frames, ${(spoken / sampleRate).toFixed(2)} s of speech`);
