import { checkLanes } from '../interface/check.js';
import type { Kernels, Sampler, SamplerGroup, SamplerNetwork } from '../interface/kernels.js';

/** A group made of samplers that know nothing of each other: the plain twin of those that share their work. */
export function separateSamplers(
  kernels: Pick<Kernels, 'createSampler'>,
  network: SamplerNetwork,
  lanes: number,
): SamplerGroup {
  const samplers = Array<Sampler | undefined>(lanes).fill(undefined);
  return {
    lanes,
    begin(lane, settings) {
      checkLanes(
        [lane],
        samplers.map(() => true),
      );
      samplers[lane] = kernels.createSampler(network, settings);
    },
    async run(parts, hop) {
      checkLanes(
        parts.map(({ lane }) => lane),
        samplers.map((sampler) => sampler !== undefined),
      );
      return Promise.all(
        parts.map(
          async ({ lane, gate, frames }) => (await samplers[lane]?.run(gate, frames, hop)) ?? new Uint16Array(0),
        ),
      );
    },
  };
}
