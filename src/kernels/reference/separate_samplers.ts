import type { Kernels, Sampler, SamplerGroup, SamplerNetwork } from '../interface/kernels.js';

/** A group made of samplers that know nothing of each other: the reference of those that share their work. */
export function separateSamplers(
  kernels: Pick<Kernels, 'createSampler'>,
  network: SamplerNetwork,
  slots: number,
): SamplerGroup {
  const samplers = Array<Sampler | undefined>(slots).fill(undefined);
  return {
    slots,
    begin(slot, settings) {
      samplers[slot] = kernels.createSampler(network, settings);
    },
    async run(parts, hop) {
      return Promise.all(
        parts.map(
          async ({ slot, gate, frames, predictors }) =>
            (await samplers[slot]?.run(gate, frames, hop, predictors)) ?? new Uint16Array(0),
        ),
      );
    },
  };
}
