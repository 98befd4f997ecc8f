import { availableParallelism } from 'node:os';
import { chooseKernels, kernelNames, nativeNames } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { processorName } from './measure.js';

export interface MachineInfo {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  /** Threads that training takes unless told otherwise. */
  readonly threads: number;
  /** Instruction sets of this processor that native kernels were compiled for; none without a compiler. */
  readonly instructionSets: string[];
  /** What runs here, in the order in which it is chosen: native kernels, WebAssembly, the TypeScript reference. */
  readonly kernels: string[];
  readonly tensorFlow: string;
}

/** What this machine has to offer, for reports of speeds and of faults. */
export async function machineInfo(version: string): Promise<MachineInfo> {
  const { tf, backend, reason } = await loadTensorFlow(chooseKernels());
  return {
    version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: processorName(),
    threads: availableParallelism(),
    instructionSets: nativeNames(),
    kernels: kernelNames(),
    tensorFlow: `${tf.version_core}, backend ${backend}${reason === undefined ? '' : ` (${reason})`}`,
  };
}
