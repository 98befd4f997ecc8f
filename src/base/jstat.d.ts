/** What is used of jstat, which ships no types. */
declare module 'jstat' {
  const jStat: {
    /**
     * p value of a one-sample t test: how probable a sample mean at least so far from `value` would be, on both sides.
     * `sample`: its values.
     */
    ttest(value: number, sample: readonly number[], sides: 2): number;
    /** The solution of a system of linear equations, by elimination; `b` is a column. */
    gauss_elimination(matrix: number[][], b: number[][]): number[];
    readonly studentt: {
      /** The value below which Student's t lies with a probability. */
      inv(probability: number, degreesOfFreedom: number): number;
    };
    /**
     * Of a distribution: `cdf` is the probability of a value up to x, `inv` the value with that probability below it.
     */
    readonly beta: {
      cdf(x: number, alpha: number, beta: number): number;
      inv(probability: number, alpha: number, beta: number): number;
    };
    readonly normal: { cdf(x: number, mean: number, deviation: number): number };
  };
  export default jStat;
}
