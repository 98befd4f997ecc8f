// Turns acoustic features (.npy), or a recording by copy synthesis, into a WAV file.
//
//   node examples/node/synthesize.js features.npy out.wav [voice.safetensors]
import { fileURLToPath } from 'node:url';
import { loadVoice, readSynthesisInput, synthesize, WavStream } from 'sparsewavernn';

const shippedVoice = fileURLToPath(new URL('../../recipes/ljspeech/voice.safetensors', import.meta.url));
const [input, output, voicePath = shippedVoice] = process.argv.slice(2);

const voice = await loadVoice(voicePath);
// Features of another kind than the voice's are converted where that is safe, and refused where it is not.
const features = await readSynthesisInput(input, voice, voicePath);
for (const note of features.notes) console.error(`note: ${note}`);

const wav = await WavStream.open(output, voice.features.sampleRate);
let samples = 0;
// Chunks of 16-bit samples come as they are drawn; the first one after four frames.
for await (const pcm of synthesize(voice, features, { seed: 1 })) {
  await wav.write(pcm);
  samples += pcm.length;
}
await wav.close();
console.log(`${output}: ${(samples / voice.features.sampleRate).toFixed(2)} s of speech`);
