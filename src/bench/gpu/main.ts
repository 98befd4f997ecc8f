import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chooseKernels, findGpu, type Kernels } from '../../kernels/index.js';
import { checkedCases, type GpuCase, gradientsFor, inputsOf, timedCases, tinyCases } from './cases.js';
import { checkCase, type CheckedCase } from './check.js';

// Checks and times the kernels of a GPU: the program of the folder that scripts/bench-gpu.mjs makes.

interface TimedCase {
  readonly name: string;
  readonly members: number;
  readonly lanes: number;
  readonly steps: number;
  /** Compiles the shaders and takes memory. */
  readonly firstSeconds: number;
  /** Of each call after it, by the clock: with copies there and back. */
  readonly seconds: readonly number[];
  /** lanes · steps over the median of `seconds`. */
  readonly samplesPerSecond: number;
  /** Milliseconds of each kernel, the median; empty where the device has no clock. */
  readonly kernels: Readonly<Record<string, number>>;
}

interface Report {
  readonly adapter: string;
  readonly node: string;
  readonly begun: string;
  readonly checked: CheckedCase[];
  readonly timed: (TimedCase | (Pick<GpuCase, 'name' | 'lanes'> & { readonly error: string }))[];
}

const { values: options } = parseArgs({
  options: {
    expected: { type: 'string', default: 'expected' },
    out: { type: 'string', default: 'gpu.json' },
    seconds: { type: 'string', default: '5' },
    tiny: { type: 'boolean', default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

function time(each: GpuCase, kernels: Kernels, seconds: number): TimedCase {
  const inputs = inputsOf(each);
  const gradients = gradientsFor(inputs);
  const parts = kernels.parts ?? [];
  const call = () => {
    const profile = parts.length > 0 ? new Float64Array(parts.length) : undefined;
    const begun = performance.now();
    kernels.memberGradients(inputs.members, { ...inputs.batch, profile }, 1 / (each.lanes * each.steps), gradients);
    return { wall: (performance.now() - begun) / 1000, profile };
  };
  const first = call();
  const calls: ReturnType<typeof call>[] = [];
  for (const begun = performance.now(); calls.length < 3 || performance.now() - begun < seconds * 1000;)
    calls.push(call());
  const walls = calls.map(({ wall }) => wall);
  const { name, members, lanes, steps } = each;
  return {
    name,
    members,
    lanes,
    steps,
    firstSeconds: first.wall,
    seconds: walls,
    samplesPerSecond: (lanes * steps) / median(walls),
    kernels: Object.fromEntries(
      parts.map((part, i) => [part, 1000 * median(calls.map(({ profile }) => profile?.[i] ?? NaN))]),
    ),
  };
}

function main(): void {
  const gpu = findGpu();
  if ('reason' in gpu) throw new Error(gpu.reason);
  const kernels = chooseKernels({ name: 'webgpu', threads: 1 });
  const { adapter } = gpu;
  const report: Report = { adapter, node: process.version, begun: new Date().toISOString(), checked: [], timed: [] };
  // Written after every case: what was measured is there when time runs out.
  const save = () => writeFileSync(options.out, JSON.stringify(report, null, 2) + '\n');
  print(adapter);
  const { checked, timed } = options.tiny ? tinyCases : { checked: checkedCases, timed: timedCases };
  for (const each of checked) {
    const found = checkCase(options.expected, each, kernels);
    report.checked.push(found);
    save();
    const bits = found.sameBits ? '' : ', OTHER BITS ON A SECOND RUN';
    print(
      `${found.passed ? 'ok    ' : 'FAILED'} ${each.name}: ${found.worst} is off by ${found.difference.toExponential(1)}${bits}`,
    );
  }
  for (const each of timed) {
    const what = `${each.name}, ${each.members} × ${each.lanes / each.members} lanes`;
    try {
      const found = time(each, kernels, Number(options.seconds));
      report.timed.push(found);
      const shares = Object.entries(found.kernels).map(([part, ms]) => `${part} ${ms.toFixed(2)}`);
      print(`${what}: ${Math.round(found.samplesPerSecond)} samples/s; ms: ${shares.join(', ')}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      report.timed.push({ name: each.name, lanes: each.lanes, error: message });
      print(`${what}: ${message}`);
    }
    save();
  }
  if (report.checked.some(({ passed }) => !passed)) process.exitCode = 1;
}

main();
