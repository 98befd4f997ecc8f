import { encode } from 'fast-png';
import { spectrogram } from '../../audio/stft.js';

/** Pixels of a picture, at most. */
const widest = 640;
const highest = 192;
const fftSize = 1024;
/** Levels shown, in dB below the loudest, and their number. */
const range = 75;
const levels = 48;

/** The corners of a palette from dark to bright, in equal steps of lightness (after matplotlib's magma). */
const corners = [
  [0, 0, 4],
  [40, 17, 89],
  [114, 31, 129],
  [182, 54, 121],
  [241, 96, 93],
  [254, 175, 119],
  [252, 253, 191],
] as const;

const palette = Array.from({ length: levels }, (_, i) => {
  const place = (i / (levels - 1)) * (corners.length - 1);
  const corner = Math.min(corners.length - 2, Math.floor(place));
  return corners[corner].map((value, channel) =>
    Math.round(value + (place - corner) * (corners[corner + 1][channel] - value)),
  );
});

/** The level that the brightest colour stands for: the greatest magnitude of a spectrogram of these samples. */
export function loudestMagnitude(samples: Float32Array): number {
  return spectrogram(samples, settingsFor(samples)).data.reduce((a, b) => Math.max(a, b), 1e-9);
}

/**
 * A PNG of a spectrogram: time from left to right, 0 Hz at the bottom, half the sample rate at the top; brightness is
 * the level, from 75 dB below `loudest` up to it.
 * @param loudest a magnitude; the same for pictures that are to be compared
 */
export function spectrogramPicture(samples: Float32Array, loudest: number): Uint8Array {
  const { data, frames, bins } = spectrogram(samples, settingsFor(samples));
  const width = Math.min(frames, widest);
  const pixels = new Uint8Array(width * highest);
  for (let row = 0; row < highest; row++) {
    // The loudest bin of each row: thin harmonics stay visible.
    const [first, end] = [row, row + 1].map((edge) => Math.floor((edge * bins) / highest));
    for (let column = 0; column < width; column++) {
      let magnitude = 1e-12;
      for (let bin = first; bin < end; bin++) magnitude = Math.max(magnitude, data[column * bins + bin]);
      const level = 1 + (20 * Math.log10(magnitude / loudest)) / range;
      pixels[(highest - 1 - row) * width + column] = Math.max(0, Math.min(levels - 1, Math.floor(level * levels)));
    }
  }
  return encode(
    { width, height: highest, data: pixels, channels: 1, depth: 8, palette: palette },
    { zlib: { level: 9 } },
  );
}

/** As many frames as there are columns, but for short signals. */
function settingsFor(samples: Float32Array) {
  const hop = Math.max(64, Math.ceil(samples.length / widest));
  return { fftSize, windowLength: fftSize, hop, padding: 'center-constant' } as const;
}
