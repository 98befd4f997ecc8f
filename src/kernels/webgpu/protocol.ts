import type { MessagePort } from 'node:worker_threads';
import type { DeviceLimits } from './plan.js';
import type { SequenceRequest, SequenceResult } from './sequence.js';

// What the thread that calls and the thread that has the GPU say to each other.

export interface WorkerInput {
  readonly port: MessagePort;
  /** [1]: 1 when there is an answer. */
  readonly signal: Int32Array;
  readonly most: MemoryLimits;
}

/** Memory that may be used, where less than there is is wanted. */
export type MemoryLimits = Partial<Pick<DeviceLimits, 'bufferBytes' | 'memoryBytes'>>;

export type GpuMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  | { readonly kind: 'sequence'; readonly request: SequenceRequest };

export interface OpenedGpu {
  /** Adapter and driver, for people. */
  readonly adapter: string;
  readonly limits: DeviceLimits;
  readonly timestamps: boolean;
}

export type Answer =
  | { readonly value: OpenedGpu | SequenceResult | null }
  | { readonly error: { readonly code?: string; readonly message: string } };
