import type { SamplerNetwork } from '../../kernels/interface/kernels.js';
import { inFloat32, type Precision, precisionOf, withPrecision } from '../../kernels/interface/precision.js';
import { classes, denseNames, sparseNames } from '../wavernn/config.js';
import type { Voice } from './voice.js';

/** The sample-rate network of a voice, as samplers take it. */
export function voiceNetwork({ config, sparse, dense }: Voice): SamplerNetwork {
  const { hidden, projection, encoding } = config;
  return {
    hidden,
    projection,
    classes: classes(encoding),
    sparse: sparseNames.map((name) => sparse[name]),
    dense: denseNames.map((name) => dense[name]),
  };
}

/** The precision that a voice is sampled in. */
export function voicePrecision(voice: Voice): Precision {
  return precisionOf(voiceNetwork(voice));
}

/**
 * The same voice with its block-sparse matrices in another precision. Going up does not bring back what rounding took
 * away.
 */
export function voiceInPrecision(voice: Voice, precision: Precision): Voice {
  const network = withPrecision(inFloat32(voiceNetwork(voice)), precision);
  return {
    ...voice,
    sparse: Object.fromEntries(sparseNames.map((name, i) => [name, network.sparse[i]])) as Voice['sparse'],
  };
}
