import { TtsError } from '../../base/errors.js';

/** Part `index` of `count` equal ones of a step: its members, and its share of the examples. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** All of it. */
export const whole: Share = { index: 0, count: 1 };

export type NamedArrays = ReadonlyMap<string, Float32Array | Int32Array>;

/**
 * Some steps that parts train apart, and where they begin: the state that all of them get. Masks stay as they are
 * throughout.
 */
export interface Generation {
  /** The first step. */
  readonly step: number;
  readonly steps: number;
  /** Of the whole population. */
  readonly members: number;
  /** [steps] whether the members of a pair see the same examples. */
  readonly paired: readonly boolean[];
  /** The weights of all members with Adam's moments and moving average, and the members' masks. */
  readonly arrays: NamedArrays;
}

/** What a part of a generation came to. */
export interface TrainedPart {
  /** The blocks of its own members with their moments and average, and all that is not masked. */
  readonly arrays: NamedArrays;
  /** [steps, own members] mean nats. */
  readonly losses: Float64Array;
  /** [steps] norm of the gradients. */
  readonly norms: Float64Array;
}

/**
 * Trains the parts of a generation, somewhere. What comes back is in the order of the parts.
 * @throws {unknown} the signal's reason, where it comes first
 */
export type ComputeParts = (
  generation: Generation,
  parts: number,
  signal?: AbortSignal,
) => Promise<{ readonly parts: readonly TrainedPart[]; readonly figures?: Readonly<Record<string, number>> }>;

/**
 * The members of a part, as a range of those of the population. A population of one is trained by all parts.
 * @throws {TtsError} ERR_ARGUMENT for a part that there is not
 */
export function membersOf({ index, count }: Share, members: number): readonly [first: number, end: number] {
  const each = members === 1 ? 1 : members / count;
  if (!(Number.isInteger(each) && Number.isInteger(index) && index >= 0 && index < count))
    throw new TtsError('ERR_ARGUMENT', `there is no part ${index} of ${count} for ${members} members`);
  return members === 1 ? [0, 1] : [index * each, (index + 1) * each];
}
