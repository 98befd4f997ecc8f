import type { ClassifierGradients, ClassifierLayer } from '../interface/classifier.js';
import { windowOf } from '../interface/classifier.js';
import type { FramePredictors, Hearing } from '../interface/listener.js';
import type { Addon, NativeSampler } from './compiled_kernels.js';
import { Call, type KernelExports } from './wasm_call.js';

/** As `LayerKind` in native/classify/network.h. */
const layerKinds = { convolution: 0, depthwise: 1, max: 2, mean: 3 } as const;

/** As `GradientsOf` in native/classify/engine.h. */
const gradientsOf = (gradients: object | null, all: boolean): number => (gradients ? (all ? 2 : 1) : 0);

export interface WasmAddon extends Addon {
  /** Size of the module's memory, which grows and never shrinks. */
  memoryBytes(): number;
}

/**
 * The kernels as WebAssembly with SIMD, in the shape of the native addon. One thread, whatever is asked for. Runs in
 * Node and in browsers; there, not on the page's own thread if the page is to stay alive.
 */
export function wasmAddon(module: WebAssembly.Module): WasmAddon {
  const exports = new WebAssembly.Instance(module).exports as unknown as KernelExports;
  exports._initialize();
  const call = () => new Call(exports);
  const Sampler = samplerClass(exports);
  return {
    available: () => ['wasm'],
    memoryBytes: () => exports.memory.buffer.byteLength,
    Sampler,
    product: (_, matrix, x, y) => call().matrix(matrix).read(x).write(y).run(exports.product),
    productTransposed: (_, matrix, dy, dx) => call().matrix(matrix).read(dy).update(dx).run(exports.productTransposed),
    productWeights: (_, matrix, dy, x, steps, dw) =>
      call().matrix(matrix).read(dy, x).number(steps).update(dw).run(exports.productWeights),
    sequence(_name, _threads, members, batch, gradients, all, loss) {
      const { lanes, steps, hop, phase, frames, codes, heard, cues, gate, lengths, state, nll, scale = 1 } = batch;
      const c = call().number(members.length);
      for (const network of members) c.network(network);
      c.number(lanes, steps, hop, phase, frames)
        .read(codes, heard, cues, gate, lengths)
        .update(state)
        .number(scale)
        .write(loss, nll);
      c.number(gradientsOf(gradients, all));
      for (const each of gradients ?? []) c.gradients(each);
      c.run(exports.sequence);
    },
    classifier(_name, _threads, members, batch, scale, gradients, all, loss, correct) {
      const c = call().number(members.length, members[0].layers.length, gradientsOf(gradients, all));
      members.forEach(({ layers }, m) => {
        for (const layer of layers) addLayer(c, layer);
        if (gradients) addLayerGradients(c, gradients[m]);
      });
      c.number(...members[0].input, batch.examples, batch.shared ?? 1)
        .read(batch.images, batch.labels)
        .number(scale)
        .write(loss, correct, batch.nll);
      c.run(exports.classifier);
    },
    mirrored: (_name, _threads, noise, mean, sigma, scale, members) =>
      call()
        .number(...noise)
        .read(mean, sigma)
        .number(scale, mean.length, members.length)
        .write(...members)
        .run(exports.mirrored),
    noiseSum: (_name, _threads, noise, pairs, sum) =>
      call()
        .number(...noise, pairs.length)
        .read(pairs)
        .number(sum.length)
        .write(sum)
        .run(exports.noiseSum),
    adam(
      _,
      { rate, beta1, beta2, epsilon, gradientScale, correction2, average: keep },
      weights,
      gradient,
      first,
      second,
      average,
    ) {
      const c = call().number(rate, beta1, beta2, epsilon, gradientScale, correction2, keep);
      c.update(weights).read(gradient).update(first, second, average).number(weights.length).run(exports.adam);
    },
    matmul(_name, _threads, transposeA, transposeB, m, n, k, a, b, c) {
      call().number(Number(transposeA), Number(transposeB), m, n, k).read(a, b).write(c).run(exports.matmul);
    },
    samplerProduct(_, matrix, x, y) {
      const begun = performance.now();
      call().storedMatrix(matrix).read(x).write(y).run(exports.samplerProduct);
      return (performance.now() - begun) / 1000;
    },
    activations: (_, x, sigmoid, tanh) => call().number(x.length).read(x).write(sigmoid, tanh).run(exports.activations),
  };
}

function addLayer(call: Call, layer: ClassifierLayer): void {
  const { kernel, stride, padding } = windowOf(layer);
  call.number(layerKinds[layer.kind === 'pool' ? layer.how : layer.kind], ...kernel, stride, padding);
  if (layer.kind === 'depthwise') call.read(layer.weights);
  if (layer.kind === 'convolution') call.matrix(layer.matrix).read(layer.bias).number(Number(layer.relu));
}

function addLayerGradients(call: Call, { weights, biases }: ClassifierGradients): void {
  call.write(...weights, ...biases);
}

/**
 * Resolves when what waits in the event loop has had its turn. Browsers have no setImmediate; their timers may take
 * milliseconds.
 */
const nextTurn = () =>
  new Promise<void>((resolve) => (typeof setImmediate === 'function' ? setImmediate(resolve) : setTimeout(resolve)));

/** How a network without cues hears. */
const silent: Hearing = { cues: 0, order: 0, values: new Float64Array(0), pitchFilter: new Float64Array(0) };

function samplerClass(exports: KernelExports): Addon['Sampler'] {
  // A sampler lives in the module's memory, which JavaScript's garbage collector does not see.
  const abandoned = new FinalizationRegistry((address: number) => exports.samplerRelease(address));

  return class WasmSampler implements NativeSampler {
    private readonly address: number;

    constructor(
      ...[, network, , seedLow, seedHigh, inverseTemperature, coarse, fine, hearing]: ConstructorParameters<
        Addon['Sampler']
      >
    ) {
      const { cues, order, values, pitchFilter } = hearing ?? silent;
      const call = new Call(exports);
      try {
        call
          .samplerNetwork(network)
          .number(seedLow, seedHigh, inverseTemperature, coarse, fine)
          .number(cues, order, values.length)
          .read(values)
          .number(pitchFilter.length)
          .read(pitchFilter);
        this.address = exports.samplerCreate(call.finish()) >>> 0;
      } finally {
        call.release();
      }
      abandoned.register(this, this.address);
    }

    async run(gate: Float32Array, frames: number, hop: number, predictors?: FramePredictors): Promise<Uint16Array> {
      const codes = new Uint16Array(frames * hop);
      const call = new Call(exports)
        .number(this.address)
        .read(gate)
        .number(frames, hop)
        .write(codes)
        .read(null, null)
        .read(predictors?.coefficients, predictors?.scales, predictors?.periods, predictors?.gains);
      // The work is on the caller's own thread: first let it deal with the chunk before this one.
      await nextTurn();
      call.run(exports.samplerRun);
      return codes;
    }

    forced(
      gate: Float32Array,
      frames: number,
      hop: number,
      codes: Uint16Array,
      probabilities: Float32Array,
      predictors?: FramePredictors,
    ): void {
      const ignored = new Uint16Array(frames * hop);
      new Call(exports)
        .number(this.address)
        .read(gate)
        .number(frames, hop)
        .write(ignored)
        .read(codes)
        .write(probabilities)
        .read(predictors?.coefficients, predictors?.scales, predictors?.periods, predictors?.gains)
        .run(exports.samplerRun);
    }
  };
}
