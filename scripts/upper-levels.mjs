// How far the levels above the features are from the recordings': node scripts/upper-levels.mjs RECORDINGS COPIES
// Two folders of files with the same names, as `tts-eval --out` leaves them; features are HiFi-GAN's.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { melPresets } from '../dist/src/audio/presets.js';
import { readAudio } from '../dist/src/audio/read.js';
import { forEachFrame } from '../dist/src/audio/stft.js';
import { levelOf, upperBands } from '../dist/src/audio/upper_bands.js';

const settings = melPresets.hifigan;
const bands = upperBands(settings);
/** Frames count that have a level this near to the loudest of their recording, in dB. */
const heard = 40;
const decibels = 20 * Math.LOG10E;

/** [bands][frames] in dB. */
async function levels(path) {
  const { samples } = await readAudio(path, { sampleRate: settings.sampleRate });
  const rows = bands.map(() => []);
  forEachFrame(samples, settings, (power) =>
    bands.forEach((band, i) => rows[i].push(decibels * levelOf(band, (bin) => power[bin]))),
  );
  return rows;
}

const [recordings, copies] = process.argv.slice(2);
if (copies === undefined) {
  console.error('usage: node scripts/upper-levels.mjs RECORDINGS COPIES');
  process.exit(2);
}
const sums = bands.map(() => ({ frames: 0, distance: 0, difference: 0 }));
const names = readdirSync(recordings).filter((name) => name.endsWith('.wav'));
for (const name of names) {
  const [original, copy] = await Promise.all([recordings, copies].map((folder) => levels(join(folder, name))));
  bands.forEach((_, i) => {
    const least = Math.max(...original[i]) - heard;
    original[i].forEach((level, frame) => {
      if (level < least || copy[i][frame] === undefined) return;
      sums[i].frames++;
      sums[i].distance += Math.abs(copy[i][frame] - level);
      sums[i].difference += copy[i][frame] - level;
    });
  });
}
console.log(`${names.length} recordings`);
bands.forEach(({ first, end }, i) => {
  const { frames, distance, difference } = sums[i];
  const hertz = (bin) => Math.round((bin * settings.sampleRate) / settings.fftSize);
  console.log(
    `${hertz(first)} to ${hertz(end - 1)} Hz: ${(distance / frames).toFixed(2)} dB off, ` +
      `${(difference / frames).toFixed(2)} dB in the mean`,
  );
});
