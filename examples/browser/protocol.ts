/**
 * What the page asks of the worker: speak features of a `.npy`, with the settings beside it if there are any, or a
 * recording at the voice's sample rate, or a text.
 */
export type Request =
  | { readonly name: string; readonly npy: Uint8Array; readonly settings?: unknown }
  | { readonly name: string; readonly samples: Float32Array }
  | { readonly name: string; readonly text: string };

/** What the worker tells the page. */
export type Reply =
  | { readonly kind: 'ready'; readonly sampleRate: number; readonly kernels: string }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'chunk'; readonly pcm: Int16Array; readonly sampleRate: number }
  | {
      readonly kind: 'done';
      readonly workSeconds: number;
      readonly firstSeconds: number;
      readonly audioSeconds: number;
    }
  | { readonly kind: 'error'; readonly text: string };
