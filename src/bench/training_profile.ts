import { type Kernels, sequenceParts } from '../kernels/index.js';

/**
 * Where the time of training steps goes. Of work that several threads share, a thread's mean time counts, so that the
 * parts add up to the step.
 */
export interface TrainingPart {
  readonly part: string;
  /** Per step. */
  readonly milliseconds: number;
  /** Of the step. */
  readonly share: number;
  /** Of the sparse products: multiply-adds over the non-zeros, in 10⁹ per second and thread. */
  readonly gmacPerThread?: number;
}

/** Kernels that record how long their calls take. */
export class WatchedKernels {
  readonly kernels: Kernels;
  /** Seconds since `begin`, by the clock. */
  private seconds = { sequence: 0, adam: 0, matMul: 0 };
  /** What the work of a sequence is made of. */
  private readonly names: readonly string[];
  /** Seconds of all threads together on each of `names` since `begin`; undefined before it. */
  private parts: Float64Array | undefined;

  constructor(kernels: Kernels) {
    this.names = kernels.parts ?? sequenceParts;
    const timed = <T>(kind: keyof WatchedKernels['seconds'], work: () => T): T => {
      const begun = performance.now();
      const result = work();
      this.seconds[kind] += (performance.now() - begun) / 1000;
      return result;
    };
    const watched: Partial<Kernels> = {
      memberGradients: (members, batch, ...rest) =>
        timed('sequence', () => kernels.memberGradients(members, { ...batch, profile: this.parts }, ...rest)),
      ...(kernels.vocoderGradients && {
        vocoderGradients: (members, conditioning, batch, ...rest) =>
          timed('sequence', () =>
            kernels.vocoderGradients!(members, conditioning, { ...batch, profile: this.parts }, ...rest),
          ),
      }),
      adam: (...all) => timed('adam', () => kernels.adam(...all)),
      matMul: (...all) => timed('matMul', () => kernels.matMul(...all)),
    };
    this.kernels = Object.assign(Object.create(kernels) as Kernels, watched);
  }

  /** From here on calls count, and sequences time their parts, which slows them a little. */
  begin(): void {
    this.seconds = { sequence: 0, adam: 0, matMul: 0 };
    this.parts = new Float64Array(this.names.length);
  }

  /**
   * The parts of each of so many steps that were done since `begin`.
   * @param seconds how long they took together
   * @param drawing how much of that went into drawing and encoding segments
   * @param macs multiply-adds of one product of a step: with the recurrent matrix, and with the others
   */
  profile(
    steps: number,
    seconds: number,
    drawing: number,
    macs: { readonly state: number; readonly output: number },
  ): TrainingPart[] {
    const { threads } = this.kernels;
    const { sequence, adam, matMul } = this.seconds;
    const part = (name: string, time: number, products = 0): TrainingPart => ({
      part: name,
      milliseconds: (1000 * time) / steps,
      share: time / seconds,
      ...(products > 0 && { gmacPerThread: (products * steps) / time / threads / 1e9 }),
    });
    // The work of a GPU is on no thread.
    const sharers = this.kernels.parts ? 1 : threads;
    // Nor are its products: only those of the processor are counted by thread.
    const productsOf = (name: string) =>
      this.kernels.parts ? 0 : name.startsWith('state') ? macs.state : name.startsWith('output') ? macs.output : 0;
    const inside = this.names.map((name, i) => part(name, (this.parts?.[i] ?? 0) / sharers, productsOf(name)));
    const timed = inside.reduce((sum, { share }) => sum + share, 0) * seconds;
    return [
      ...(timed > 0
        ? [...inside, part('waiting and moving data', sequence - timed)]
        : [part('the sample-rate network', sequence)]),
      // A device that has both networks leaves none.
      ...(this.kernels.vocoderGradients ? [] : [part('matrix products of the conditioning network', matMul)]),
      // Beside a GPU they are drawn while it works.
      part(`drawing and encoding segments${this.kernels.parts ? ', meanwhile' : ''}`, drawing),
      part('Adam', adam),
      part(
        this.kernels.vocoderGradients ? 'the rest' : 'TensorFlow.js and the rest',
        seconds - sequence - matMul - (this.kernels.parts ? 0 : drawing) - adam,
      ),
    ];
  }
}
