// Kaiser's window and his estimates for it (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3).

/** The window's shape parameter for a stopband that is down by `attenuation` dB (above 50). */
export function kaiserBeta(attenuation: number): number {
  return 0.1102 * (attenuation - 8.7);
}

/**
 * Estimated length, in samples, of a filter with that attenuation (dB) and a transition band of `width` cycles per
 * sample.
 */
export function kaiserTaps(attenuation: number, width: number): number {
  return (attenuation - 7.95) / (14.36 * width);
}

/** The window, up to its scale, at `x` from -1 to 1. */
export function kaiser(x: number, beta: number): number {
  return besselI0(beta * Math.sqrt(Math.max(0, 1 - x ** 2)));
}

/** The modified Bessel function of the first kind and order zero, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
