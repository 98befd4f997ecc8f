import type { Kernels } from '../../kernels/index.js';
import { type CpuBackend, type FastKernel, floats, type KernelCall, sizeOf } from './fast_kernel.js';

/** `BatchMatMul` and `_FusedMatMul` (a bias per column, linear or ReLU) of float32 tensors. */
export function matMulKernels(kernels: Kernels): Record<string, FastKernel> {
  return {
    BatchMatMul: (call) => {
      const product = multiply(kernels, call);
      return product && call.backend.makeTensorInfo(product.shape, 'float32', product.values);
    },
    _FusedMatMul: (call) => {
      const { inputs, attrs, backend } = call;
      const { activation } = attrs;
      if (activation !== 'linear' && activation !== 'relu') return undefined;
      const bias = inputs.bias && columnVector(backend, call);
      if (inputs.bias && !bias) return undefined;
      const product = multiply(kernels, call);
      if (!product) return undefined;
      if (bias) addBias(product.values, bias);
      if (activation === 'relu') clip(product.values);
      return backend.makeTensorInfo(product.shape, 'float32', product.values);
    },
  };
}

/** a·b over the leading axes, which are equal or all 1 on one side. */
function multiply(
  kernels: Kernels,
  { inputs, attrs, backend }: KernelCall,
): { shape: number[]; values: Float32Array } | undefined {
  const { a, b } = inputs;
  const left = floats(backend, a);
  const right = floats(backend, b);
  if (!a || !b || !left || !right || left.length === 0 || right.length === 0) return undefined;
  const [transposeA, transposeB] = [attrs.transposeA === true, attrs.transposeB === true];
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const [batchA, batchB] = [sizeOf(outerA), sizeOf(outerB)];
  const same = outerA.length === outerB.length && outerA.every((size, axis) => size === outerB[axis]);
  if (!same && batchA !== 1 && batchB !== 1) return undefined;

  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [n, depth] = transposeB ? [rowsB, columnsB] : [columnsB, rowsB];
  if (depth !== k) return undefined;
  const batch = Math.max(batchA, batchB);
  const outer =
    outerA.length === outerB.length
      ? outerA.map((size, axis) => Math.max(size, outerB[axis]))
      : outerA.length > outerB.length
        ? outerA
        : outerB;
  const values = new Float32Array(batch * m * n);
  // Products that share one b are one product of all their rows.
  if (batchB === 1 && !transposeA) kernels.matMul(false, transposeB, batchA * m, n, k, left, right, values);
  else
    for (let i = 0; i < batch; i++) {
      const x = batchA === 1 ? left : left.subarray(i * m * k, (i + 1) * m * k);
      const y = batchB === 1 ? right : right.subarray(i * k * n, (i + 1) * k * n);
      kernels.matMul(transposeA, transposeB, m, n, k, x, y, values.subarray(i * m * n, (i + 1) * m * n));
    }
  return { shape: [...outer, m, n], values };
}

/** The bias, if it is one value per column of the product. */
function columnVector(backend: CpuBackend, { inputs, attrs }: KernelCall): Float32Array | undefined {
  const { b, bias } = inputs;
  const values = floats(backend, bias);
  const columns = b?.shape.at(attrs.transposeB === true ? -2 : -1);
  return values && bias?.shape.at(-1) === columns && values.length === columns ? values : undefined;
}

function addBias(values: Float32Array, bias: Float32Array): void {
  for (let at = 0; at < values.length; at += bias.length)
    for (let j = 0; j < bias.length; j++) values[at + j] += bias[j];
}

function clip(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}
