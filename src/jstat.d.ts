/** What is used of jstat, which ships no types. */
declare module 'jstat' {
  const jStat: {
    /** p value of a one-sample t test: how probable a sample mean at least so far from `value` would be, on both sides. `sample`: its values. */
    ttest(value: number, sample: readonly number[], sides: 2): number;
    readonly studentt: {
      /** The value below which Student's t lies with a probability. */
      inv(probability: number, degreesOfFreedom: number): number;
    };
  };
  export default jStat;
}
