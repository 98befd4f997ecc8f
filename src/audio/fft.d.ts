/**
 * What is used of fft.js, which ships no types. A spectrum has 2 · size numbers, real and imaginary parts alternating;
 * the inverse transform divides by the size.
 */
declare module 'fft.js' {
  export default class Fft {
    /** @param size a power of two */
    constructor(size: number);
    /** The lower half of the spectrum (size/2 + 1 bins) of `size` real numbers. */
    realTransform(spectrum: Float64Array, input: Float64Array): void;
    /** Fills in the upper half of the spectrum of real numbers. */
    completeSpectrum(spectrum: Float64Array): void;
    /** Numbers from their spectrum, again with real and imaginary parts alternating. */
    inverseTransform(output: Float64Array, spectrum: Float64Array): void;
  }
}
