import type { FeatureStore } from '../../data/store/feature_store.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import type { Provenance, Voice } from '../../model/voice/voice.js';
import { type DenseName, denseNames, type SparseName, sparseNames } from '../../model/wavernn/config.js';
import type { Trainer } from './trainer.js';

/** The voice that a trainer would ship now: the deployed masks, the averaged weights. */
export function snapshot(trainer: Trainer, store: FeatureStore, provenance: Provenance): Voice {
  const { config, parameters } = trainer;
  const { sparse, dense } = trainer.deployed();
  return {
    config,
    features: store.settings,
    statistics: store.statistics,
    sparse: Object.fromEntries(sparseNames.map((name, i) => [name, sparse[i]])) as Record<SparseName, BlockMatrix>,
    dense: Object.fromEntries(denseNames.map((name, i) => [name, dense[i]])) as Record<DenseName, Float32Array>,
    conditioning: new Map(
      [...parameters.conditioning].map(([name, { shape, state }]) => [name, { shape, data: state.average }]),
    ),
    provenance,
  };
}
