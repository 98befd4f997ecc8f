import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, blockShapes, normals, randomNetwork, tolerances } from '../../../test/support/kernels.js';
import { philox, RandomStream, streams } from '../../base/random.js';
import type { SamplerNetwork, SamplerSettings } from '../index.js';
import { chooseKernels, inFloat32, kernelNames, precisions, withPrecision } from '../index.js';
import { drawingOrder } from '../reference/sampler.js';

const settings: SamplerSettings = { seed: 7, temperature: 1, firstCode: 0 };
const [frames, hop] = [8, 25];

const networks = blockShapes.flatMap((shape) =>
  [32, 256].flatMap((classes) => {
    const stream = new RandomStream(shape.rows, classes);
    const network = randomNetwork(stream, { hidden: 64, projection: 48, classes, shape });
    const gate = normals(stream, frames * 3 * network.hidden);
    return precisions.map((precision) => ({
      title: `blocks ${shape.rows}×${shape.columns}, ${classes} classes, ${precision}`,
      precision,
      network: withPrecision(network, precision),
      gate,
    }));
  }),
);
// A hidden layer with more groups of columns than half of the recurrent matrix: what is gathered for one must not
// disturb the other.
const wide = randomNetwork(new RandomStream(9, 9), { hidden: 32, projection: 256, classes: 32, shape: blockShapes[0] });
networks.push({
  title: 'a wide hidden layer, int8',
  precision: 'int8',
  network: withPrecision(wide, 'int8'),
  gate: normals(new RandomStream(9, 10), frames * 96),
});
const { network, gate } = networks[0];

/** The distributions of one sample's two symbols: views of what `forced` returns. */
function distributions({ classes }: SamplerNetwork, probabilities: Float32Array, t: number): Float32Array[] {
  return [0, 1].map((half) => probabilities.subarray((2 * t + half) * classes, (2 * t + half + 1) * classes));
}

const forcedCodes = (seed: number, classes: number, samples: number) => {
  const stream = new RandomStream(seed, 30);
  return Uint16Array.from({ length: samples }, () => stream.below(classes * classes));
};

/** Nats of each of some given samples; what the reference says of a network is worked out once and kept. */
function forcedNats(name: string, network: SamplerNetwork, gate: Float32Array): number[] {
  const codes = forcedCodes(2, network.classes, frames * hop);
  const probabilities = chooseKernels({ name, threads: 1 })
    .createSampler(network, settings)
    .forced(gate, frames, hop, codes);
  return Array.from(codes, (code, t) => {
    const both = distributions(network, probabilities, t);
    return symbolsOf(network, code).reduce((nats, symbol, half) => nats - Math.log(both[half][symbol]), 0);
  });
}
const referenceNats = new Map<SamplerNetwork, number[]>();
function expectedNats(network: SamplerNetwork, gate: Float32Array): number[] {
  const nats = referenceNats.get(network) ?? forcedNats('reference', network, gate);
  referenceNats.set(network, nats);
  return nats;
}

const symbolsOf = ({ classes }: SamplerNetwork, code: number) => [Math.floor(code / classes), code % classes];
const sum = (array: ArrayLike<number>) => {
  let total = 0;
  for (let i = 0; i < array.length; i++) total += array[i];
  return total;
};

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });
  const draw = (options: Partial<SamplerSettings>) =>
    kernels.createSampler(network, { ...settings, ...options }).run(gate, frames, hop);

  for (const { title, precision, network, gate } of networks) {
    if (precision === 'int8')
      test(`${name}: int8 gives the reference's nats, but for roundings of the state that fall the other way, ${title}`, () => {
        const [ours, theirs] = [forcedNats(name, network, gate), expectedNats(network, gate)];
        // A state that ends up on the other side of a boundary between two steps changes by 1/128, and that happens to
        // one in some ten thousand.
        const differences = ours.map((nats, t) => Math.abs(nats - theirs[t]));
        assert.ok(Math.max(...differences) < 0.05, `${Math.max(...differences)}`);
        assert.ok(sum(differences) / differences.length < 0.002, `${sum(differences) / differences.length}`);
      });
    else
      test(`${name}: forced probabilities are the trainer's exp(-nats), and sum to 1, ${title}`, () => {
        const { classes } = network;
        const codes = forcedCodes(1, classes, frames * hop + 1);
        const nll = new Float32Array(frames * hop);
        kernels.sequenceLoss(inFloat32(network), {
          lanes: 1,
          steps: frames * hop,
          hop,
          phase: 0,
          frames,
          codes,
          gate,
          nll,
        });
        const probabilities = kernels
          .createSampler(network, { ...settings, firstCode: codes[0] })
          .forced(gate, frames, hop, codes.subarray(1));
        assert.equal(probabilities.length, frames * hop * 2 * classes);
        for (let t = 0; t < frames * hop; t++) {
          const both = distributions(network, probabilities, t);
          for (const p of both) assertClose('sum', [sum(p)], [1], tolerances.product);
          const [coarse, fine] = symbolsOf(network, codes[t + 1]);
          assertClose(
            `probability of sample ${t}`,
            [both[0][coarse] * both[1][fine]],
            [Math.exp(-nll[t])],
            tolerances.probability,
          );
        }
      });

    test(`${name}: each symbol is where the cumulative distribution passes the random number, ${title}`, async () => {
      const codes = await kernels.createSampler(network, settings).run(gate, frames, hop);
      const probabilities = kernels.createSampler(network, settings).forced(gate, frames, hop, codes);
      const order = drawingOrder(network.classes);
      codes.forEach((code, t) => {
        const words = philox(settings.seed, streams.sampling, t);
        distributions(network, probabilities, t).forEach((p, half) => {
          const symbol = symbolsOf(network, code)[half];
          const u = (words[half] >>> 8) * 2 ** -24;
          let below = 0;
          for (let i = 0; order[i] !== symbol; i++) below += p[order[i]];
          assert.ok(
            p[symbol] > 0 && u >= below - 1e-5 && u <= below + p[symbol] + 1e-5,
            `sample ${t}: ${symbol} spans ${below} to ${below + p[symbol]}, not ${u}`,
          );
        });
      });
    });
  }

  test(`${name}: drawn symbols come as often as their probabilities say`, async () => {
    const [frames, hop] = [16, 250];
    const small = randomNetwork(new RandomStream(2, 30), {
      hidden: 32,
      projection: 16,
      classes: 32,
      shape: blockShapes[0],
    });
    const gate = normals(new RandomStream(3, 30), frames * 96);
    const codes = await kernels.createSampler(small, settings).run(gate, frames, hop);
    const probabilities = kernels.createSampler(small, settings).forced(gate, frames, hop, codes);
    const expected = [0, 1].map(() => new Float64Array(32));
    const counts = [0, 1].map(() => new Float64Array(32));
    codes.forEach((code, t) =>
      distributions(small, probabilities, t).forEach((p, half) => {
        counts[half][symbolsOf(small, code)[half]]++;
        p.forEach((value, symbol) => (expected[half][symbol] += value));
      }),
    );
    // Chi-square with 31 degrees of freedom: 99.9% lie below 61.1. The counts of a sum of different distributions vary
    // less than that.
    for (const half of [0, 1]) {
      const statistic = sum(
        counts[half].map((count, symbol) => (count - expected[half][symbol]) ** 2 / expected[half][symbol]),
      );
      assert.ok(statistic < 61.1, `${statistic}`);
    }
  });

  for (const precision of precisions)
    test(`${name}: the same seed gives the same audio; any other seed, also beyond 32 bits, other audio, ${precision}`, async () => {
      const draw = (seed: number) =>
        kernels
          .createSampler(withPrecision(inFloat32(network), precision), { ...settings, seed })
          .run(gate, frames, hop);
      const first = await draw(settings.seed);
      assert.equal(first.length, frames * hop);
      assert.deepEqual(await draw(settings.seed), first);
      const others = await Promise.all([8, 7 + 2 ** 32, 2 ** 53 - 1].map(draw));
      assert.equal(new Set([first, ...others].map(String)).size, 4);
    });

  test(`${name}: the first code is heard`, () => {
    const codes = new Uint16Array(frames * hop);
    const [a, b] = [0, 32 * 32 - 1].map((firstCode) =>
      kernels.createSampler(network, { ...settings, firstCode }).forced(gate, frames, hop, codes),
    );
    assert.notDeepEqual(a, b);
  });

  for (const precision of ['float32', 'int8'] as const) {
    const stored = withPrecision(inFloat32(network), precision);

    test(`${name}: frames in pieces give the audio of one call, ${precision}`, async () => {
      const whole = await kernels.createSampler(stored, settings).run(gate, frames, hop);
      const sampler = kernels.createSampler(stored, settings);
      const pieces: number[] = [];
      let frame = 0;
      for (const count of [1, 0, 2, 5]) {
        pieces.push(
          ...(await sampler.run(
            gate.subarray(frame * 3 * network.hidden, (frame + count) * 3 * network.hidden),
            count,
            hop,
          )),
        );
        frame += count;
      }
      assert.deepEqual(pieces, [...whole]);
    });

    test(`${name}: audio goes on after forced samples as after drawn ones, ${precision}`, async () => {
      const whole = await kernels.createSampler(stored, settings).run(gate, frames, hop);
      const sampler = kernels.createSampler(stored, settings);
      const cut = 3 * 3 * network.hidden;
      sampler.forced(gate.subarray(0, cut), 3, hop, whole.subarray(0, 3 * hop));
      assert.deepEqual(await sampler.run(gate.subarray(cut), frames - 3, hop), whole.subarray(3 * hop));
    });
  }

  test(`${name}: samplers at work side by side do not disturb each other`, async () => {
    const alone = [await draw({ seed: 1 }), await draw({ seed: 2 })];
    assert.deepEqual(await Promise.all([draw({ seed: 1 }), draw({ seed: 2 })]), alone);
  });

  test(`${name}: temperature divides the logits`, () => {
    const codes = new Uint16Array(frames * hop).fill(100);
    const [plain, warm] = [1, 2].map((temperature) =>
      kernels.createSampler(network, { ...settings, temperature }).forced(gate, frames, hop, codes),
    );
    for (let t = 0; t < frames * hop; t++) {
      const warmed = distributions(network, warm, t);
      distributions(network, plain, t).forEach((p, half) => {
        const roots = Float64Array.from(p, Math.sqrt);
        assertClose(
          `sample ${t}`,
          warmed[half],
          roots.map((root) => root / sum(roots)),
          tolerances.probability,
        );
      });
    }
  });

  test(`${name}: a temperature near 0 draws the likeliest symbols`, async () => {
    const codes = await draw({ temperature: 1e-4 });
    const probabilities = kernels.createSampler(network, settings).forced(gate, frames, hop, codes);
    codes.forEach((code, t) => {
      const likeliest = distributions(network, probabilities, t).map((p) => p.indexOf(Math.max(...p)));
      assert.deepEqual(symbolsOf(network, code), likeliest);
    });
  });

  test(`${name}: a sampler keeps the weights and the conditioning it was given`, async () => {
    const expected = await draw({});
    const copy = structuredClone(network);
    const ownGate = gate.slice();
    const sampler = kernels.createSampler(copy, settings);
    for (const array of [...copy.sparse.map(({ values }) => values), ...copy.dense]) array.fill(0);
    const codes = sampler.run(ownGate, frames, hop);
    ownGate.fill(0);
    assert.deepEqual(await codes, expected);
  });
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const precision of precisions) {
    test(`${name}: utterances side by side sound as each alone, whatever the slots, lengths and threads, ${precision}`, async () => {
      const stored = withPrecision(inFloat32(network), precision);
      const gateOf = (from: number, count: number) =>
        gate.subarray(from * 3 * network.hidden, (from + count) * 3 * network.hidden);
      const seeds = [1, 2, 3, 4, 5, 6, 7];
      const alone = await Promise.all(
        seeds.map((seed) => kernels.createSampler(stored, { ...settings, seed }).run(gate, frames, hop)),
      );
      const group = kernels.createSamplerGroup(stored, seeds.length);
      assert.equal(group.slots, seeds.length);
      seeds.forEach((seed, slot) => group.begin(slot, { ...settings, seed }));
      // Slot l speaks its first l+1 frames, then the rest; the order of the slots is another every time.
      const slots = [3, 0, 6, 1, 5, 2, 4];
      const first = await group.run(
        slots.map((slot) => ({ slot, gate: gateOf(0, slot + 1), frames: slot + 1 })),
        hop,
      );
      const rest = await group.run(
        [...slots]
          .reverse()
          .map((slot) => ({ slot, gate: gateOf(slot + 1, frames - slot - 1), frames: frames - slot - 1 })),
        hop,
      );
      slots.forEach((slot, i) =>
        assert.deepEqual([...first[i], ...rest[slots.length - 1 - i]], [...alone[slot]], `slot ${slot}`),
      );
      // A slot begins anew.
      group.begin(2, { ...settings, seed: 1 });
      assert.deepEqual((await group.run([{ slot: 2, gate, frames }], hop))[0], alone[0]);
      assert.deepEqual(await group.run([], hop), []);
    });
  }

  // The reference is one thread however many are asked for: one network shows that it takes the number.
  for (const { title, network: stored, gate: given } of name === 'reference' ? networks.slice(0, 1) : networks)
    test(`${name}: several threads draw what one draws, ${title}`, async () => {
      const classes = stored.classes;
      // Threads that outnumber the cores wait for each other at every layer of every sample: few samples.
      const hop = 5;
      const one = await kernels.createSampler(stored, settings).run(given, frames, hop);
      // 7: more threads than slabs in some layers.
      for (const threads of [2, 3, 7]) {
        const sampler = kernels.createSampler(stored, settings, threads);
        const cut = 2 * 3 * stored.hidden;
        const codes = [...(await sampler.run(given.subarray(0, cut), 2, hop))];
        const probabilities = sampler.forced(given.subarray(cut, 2 * cut), 2, hop, one.subarray(2 * hop, 4 * hop));
        codes.push(...one.subarray(2 * hop, 4 * hop), ...(await sampler.run(given.subarray(2 * cut), frames - 4, hop)));
        assert.deepEqual(codes, [...one], `${threads} threads`);
        const alone = kernels.createSampler(stored, settings);
        alone.forced(given.subarray(0, cut), 2, hop, one.subarray(0, 2 * hop));
        assert.deepEqual(
          probabilities,
          alone.forced(given.subarray(cut, 2 * cut), 2, hop, one.subarray(2 * hop, 4 * hop)),
        );
        assert.equal(probabilities.length, 2 * hop * 2 * classes);
      }
    });

  test(`${name}: slots that are none, were not begun, or come twice are refused`, async () => {
    const group = kernels.createSamplerGroup(network, 2);
    const part = (slot: number) => ({ slot, gate, frames });
    assert.throws(() => group.begin(2, settings), { code: 'ERR_ARGUMENT' });
    assert.throws(() => group.begin(-1, settings), { code: 'ERR_ARGUMENT' });
    await assert.rejects(group.run([part(0)], hop), /slot is 0, expected one of 0 to 1 that was begun/);
    group.begin(0, settings);
    await assert.rejects(group.run([part(0), part(0)], hop), /expected each but once/);
  });
}
