import type { MelSettings } from './mel_settings.js';

/** One triangular filter: the weights of FFT bins `first`, `first + 1`, … */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * The triangular filters of a mel spectrogram, as librosa.filters.mel builds them: edges equally spaced in mel from
 * fMin to fMax, filter b rising from edge b to b+1 and falling to b+2. With norm `slaney` each is divided by half its
 * width in Hz.
 */
export function filterBank({ sampleRate, fftSize, bins, fMin, fMax, scale, norm }: MelSettings): MelFilter[] {
  const { toMel, toHertz } = scales[scale];
  const lowest = toMel(fMin);
  const highest = toMel(fMax);
  const edges = Array.from({ length: bins + 2 }, (_, i) => toHertz(lowest + ((highest - lowest) * i) / (bins + 1)));
  const hertzPerBin = sampleRate / fftSize;
  return Array.from({ length: bins }, (_, bin) => {
    const [left, centre, right] = edges.slice(bin, bin + 3);
    const gain = norm === 'slaney' ? 2 / (right - left) : 1;
    const first = Math.max(0, Math.ceil(left / hertzPerBin));
    const last = Math.min(fftSize / 2, Math.floor(right / hertzPerBin));
    const weights = Float64Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => {
      const hertz = (first + k) * hertzPerBin;
      return gain * Math.max(0, Math.min((hertz - left) / (centre - left), (right - hertz) / (right - centre)));
    });
    return { first, weights };
  });
}

/** The sum of a filter's weights, and its centre of gravity in FFT bins; undefined for one that is empty. */
export function gravity({ first, weights }: MelFilter): { readonly sum: number; readonly centre: number } | undefined {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!(sum > 0)) return undefined;
  return { sum, centre: weights.reduce((total, weight, k) => total + weight * (first + k), 0) / sum };
}

// Slaney, Auditory Toolbox (1998): linear at 200/3 Hz per mel up to 1 kHz (15 mel), then 27 mel per factor of 6.4.
const linear = 200 / 3;
const corner = 1000;
const logStep = Math.log(6.4) / 27;

const scales = {
  slaney: {
    toMel: (hertz: number) => (hertz < corner ? hertz / linear : corner / linear + Math.log(hertz / corner) / logStep),
    toHertz: (mel: number) =>
      mel < corner / linear ? mel * linear : corner * Math.exp(logStep * (mel - corner / linear)),
  },
  // Young et al., The HTK Book, section 5.4.
  htk: {
    toMel: (hertz: number) => 2595 * Math.log10(1 + hertz / 700),
    toHertz: (mel: number) => 700 * (10 ** (mel / 2595) - 1),
  },
};
