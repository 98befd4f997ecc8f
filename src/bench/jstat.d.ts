declare module 'jstat' {
  const jStat: {
    /** p value of a one-sample t test: how probable a sample mean at least so far from `value` would be, on both sides. `sample`: its values. */
    ttest(value: number, sample: readonly number[], sides: 2): number;
  };
  export default jStat;
}
