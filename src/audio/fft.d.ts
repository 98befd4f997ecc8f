/** What we use of fft.js, which ships no types. */
declare module 'fft.js' {
  export default class FFT {
    /** @param size a power of two */
    constructor(size: number);
    /** `output` takes size + 2 numbers, real and imaginary parts by turns. */
    realTransform(output: Float64Array, input: Float64Array): void;
  }
}
