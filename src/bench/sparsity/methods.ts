import { TtsError } from '../../base/errors.js';

/** A way to spend a number of non-zeros. */
export interface SparsityMethod {
  readonly name: string;
  /**
   * Values of the recipe that make it so; undefined for nets without masks, which the task makes: all weights, or a
   * narrower net with as many as the others keep.
   */
  readonly set: readonly string[] | undefined;
  /** Methods against which its figures are tested. */
  readonly against: readonly string[];
}

const rivals = ['fixed', 'rigl', 'pruning'];
const method = (name: string, against: readonly string[] = []): SparsityMethod => ({
  name,
  set: [`sparsity.method=${name}`],
  against,
});
/**
 * A search and its two controls. With its fitness shuffled it walks as far, but by chance: what is left of a gain was
 * not learned. Frozen, its mean never moves, and no member is preferred: what is left is owed to where it begins, and to
 * trying many masks; shuffled it may also drift into harm, which would flatter the search.
 * @param frozen what of its settings freezes it, besides the step
 */
const search = (name: string, ...frozen: readonly string[]): SparsityMethod[] => [
  method(name, [`${name}-shuffled`, `${name}-frozen`, ...rivals]),
  { name: `${name}-shuffled`, set: [`sparsity.method=${name}`, `sparsity.${name}.shuffle=true`], against: [] },
  {
    name: `${name}-frozen`,
    set: [`sparsity.method=${name}`, ...['meanStep=0', ...frozen].map((value) => `sparsity.${name}.${value}`)],
    against: [],
  },
];

/** All that are compared, in the order of the table. */
export const sparsityMethods: readonly SparsityMethod[] = [
  { name: 'dense', set: undefined, against: [] },
  { name: 'small-dense', set: undefined, against: [] },
  method('fixed'),
  method('set'),
  method('rigl'),
  method('pruning'),
  ...search('es'),
  ...search('es-guided', 'deploy=mean'),
];

/**
 * The methods of a list such as `fixed,rigl`, in the order of the table; all without one. Throws ERR_ARGUMENT for a
 * name that is none.
 */
export function chooseMethods(list?: string): SparsityMethod[] {
  if (list === undefined) return [...sparsityMethods];
  const wanted = list.split(',').map((name) => name.trim());
  const known = sparsityMethods.map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TtsError('ERR_ARGUMENT', `--methods has "${unknown}", expected some of ${known.join(',')}`);
  return sparsityMethods.filter(({ name }) => wanted.includes(name));
}
