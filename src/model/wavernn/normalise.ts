/** Features [rows, bins] with zero mean and unit variance per bin, by the statistics of the training clips. */
export function normaliseFeatures(
  features: Float32Array,
  { mean, std }: { readonly mean: Float32Array; readonly std: Float32Array },
): Float32Array {
  const bins = mean.length;
  const normalised = new Float32Array(features.length);
  for (let i = 0; i < features.length; i++) normalised[i] = (features[i] - mean[i % bins]) / std[i % bins];
  return normalised;
}
