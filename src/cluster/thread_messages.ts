import type { KnownJob } from './protocol.js';

/** What the thread gets at its start. */
export interface ComputeData {
  readonly threads: number;
  /** Folder in which features are kept. */
  readonly folder: string;
}

/** From the main thread: a job, or bytes that were asked for. */
export type ToThread =
  | { readonly kind: 'job'; readonly job: KnownJob }
  | { readonly kind: 'blob'; readonly hash: string; readonly bytes?: Uint8Array; readonly error?: ThreadError };

/** From the thread: what a job came to, or a wish for bytes. */
export type FromThread =
  | { readonly kind: 'wanted'; readonly hash: string }
  | { readonly kind: 'done'; readonly bytes: Uint8Array; readonly milliseconds: number }
  | { readonly kind: 'failed'; readonly error: ThreadError; readonly milliseconds: number };

export interface ThreadError {
  readonly code?: string;
  readonly message: string;
}

/** What jobs are given to do their work. */
export interface Workshop extends ComputeData {
  /** The bytes of a blob, checked against its hash. */
  blob(hash: string): Promise<Uint8Array>;
}
