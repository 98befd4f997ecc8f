import type { FeatureStore } from '../../data/store/feature_store.js';
import { negativeLogLikelihood } from '../../evaluation/nll.js';
import type { Kernels } from '../../kernels/index.js';
import type { TensorFlow } from '../../model/backend/backend.js';
import { GateConditioner } from '../../model/wavernn/conditioner.js';
import type { Trainer } from './trainer.js';

/** More clips would tell little more and take long. */
const mostClips = 32;

/**
 * Held-out NLL in nats per 16-bit sample of the deployed masks and the averaged weights: every sample of the first 32
 * held-out clips. NaN without clips.
 */
export function heldOutNll(tf: TensorFlow, kernels: Kernels, trainer: Trainer, store: FeatureStore): number {
  const { config, parameters } = trainer;
  const conditioning = new Map(
    [...parameters.conditioning].map(([name, { shape, state }]) => [name, { shape, data: state.average }]),
  );
  const conditioner = new GateConditioner(tf, config, conditioning, store.statistics);
  try {
    return negativeLogLikelihood(
      { kernels, network: trainer.deployed(), config, conditioner, settings: store.settings },
      store.validation.slice(0, mostClips),
    );
  } finally {
    conditioner.dispose();
  }
}
