// Fuzzes every reader; see docs/promises.md.
//
//   npm run fuzz -- [--only READER]... [--inputs 1000] [--seed 1] [--findings build/fuzz]
//
// Input i of a reader is made of the seed + i alone. Each reader runs in a process of its own, which is watched: a
// crash, a hang and memory without bound are findings too. Each finding is saved as a file that test/fuzz.test.ts can
// replay.
import { fork } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RandomStream } from '../../src/base/random.js';
import { Finding, folderForInputs, type Outcome, tryInput } from './reader.js';
import { type ReaderName, readerNames, readerOf } from './readers.js';

/**
 * For one input: seconds of computing, seconds by the clock (for waits; a busy machine may take long), bytes of memory.
 */
const bounds = { computing: 20, clock: 600, memory: 2 * 2 ** 30 };
/** Inputs for one process, so that what a reader leaks is not taken for what an input needs. */
const perProcess = 2000;

/** What a child tells: a finding, or at its end how often there was each outcome. */
type Message = { finding: string; seed: number } | { outcomes: Record<string, number> };

/** The input of a seed. */
async function inputOf(name: ReaderName, seed: number) {
  const reader = await readerOf(name);
  return { reader, input: await reader.make(new RandomStream(seed, 0)) };
}

/** Tries seeds one after the other; the file `progress` always has the present one. */
async function child(name: ReaderName, first: number, count: number, folder: string): Promise<void> {
  const progress = openSync(join(folder, 'progress'), 'w');
  process.once('disconnect', () => process.exit(1));
  const outcomes: Partial<Record<Outcome, number>> = {};
  const tell = (message: Message) => new Promise<void>((resolve) => process.send?.(message, () => resolve()));
  for (let seed = first; seed < first + count; seed++) {
    writeSync(progress, String(seed).padStart(16), 0);
    const { reader, input } = await inputOf(name, seed);
    const begun = process.cpuUsage();
    try {
      const outcome = await tryInput(reader, input, folder);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      await tell({
        finding: error instanceof Finding ? error.message : `the fuzzer failed: ${String((error as Error).stack)}`,
        seed,
      });
    }
    const { user, system } = process.cpuUsage(begun);
    if (user + system > bounds.computing * 1e6)
      await tell({ finding: `hang: ${((user + system) / 1e6).toFixed(1)} s of computing`, seed });
    const memory = process.resourceUsage().maxRSS * 1024;
    if (memory > bounds.memory) {
      await tell({ finding: `memory: ${(memory / 2 ** 20).toFixed(0)} MiB`, seed });
      // The greatest use is never forgotten: the next seeds need another process.
      process.exit(0);
    }
  }
  await tell({ outcomes });
  process.exit(0);
}

interface Tally {
  inputs: number;
  outcomes: Record<string, number>;
  /** By cause: the first seed, and how many. */
  findings: Map<string, { seed: number; text: string; count: number }>;
}

/** Runs a child over seeds, and says at which one it stopped. */
function watch(
  name: ReaderName,
  first: number,
  count: number,
  folder: string,
  found: (text: string, seed: number) => void,
  tally: Tally,
): Promise<number> {
  const file = join(folder, 'progress');
  writeFileSync(file, String(first));
  const at = () => Number(readFileSync(file, 'utf8')) || first;
  return new Promise((resolve) => {
    const process_ = fork(fileURLToPath(import.meta.url), ['child', name, String(first), String(count), folder], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    process_.stderr?.on('data', (text) => (said = `${said}${text}`.slice(-2000)));
    let [seed, since, before, ended, hung] = [first, Date.now(), 0, false, false];
    const timer = setInterval(() => {
      const computed = secondsOf(process_.pid);
      if (at() !== seed) [seed, since, before] = [at(), Date.now(), computed];
      else if (Date.now() - since > bounds.clock * 1000 || computed - before > bounds.computing) {
        hung = true;
        process_.kill('SIGKILL');
      }
    }, 1000);
    process_.on('message', (message: Message) => {
      if ('finding' in message) found(message.finding, message.seed);
      else {
        ended = true;
        for (const [outcome, n] of Object.entries(message.outcomes))
          tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + n;
      }
    });
    process_.once('exit', (status, signal) => {
      clearInterval(timer);
      const last = at();
      if (hung) found(`hang: more than ${bounds.computing} s of computing, or ${bounds.clock} s`, last);
      else if (status !== 0 || signal !== null) found(`crash: status ${status}, signal ${signal}\n${said}`, last);
      resolve(ended ? first + count : last + 1);
    });
  });
}

/** Seconds that a process has computed, where the system tells (proc(5)); else 0. */
function secondsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** What findings of one cause have in common: kind, message without numbers, and the first place in the stack. */
const causeOf = (text: string): string => {
  const [head, ...rest] = text.split('\n');
  const place =
    rest.find((line) => /^\s+at /.test(line) && !line.includes('node_modules') && !line.includes('node:')) ?? '';
  return `${head.slice(0, 80).replaceAll(/[-\d.]+/g, '#')} ${place.trim()}`;
};

async function parent(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [...readerNames] },
      inputs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      findings: { type: 'string', default: 'build/fuzz' },
    },
  });
  const [inputs, seed] = [values.inputs, values.seed].map(Number);
  const unknown = values.only.find((name) => !readerNames.includes(name as ReaderName));
  if (
    unknown !== undefined ||
    !(Number.isSafeInteger(inputs) && inputs >= 1) ||
    !(Number.isSafeInteger(seed) && seed >= 0)
  ) {
    console.error(`expected --only ${readerNames.join('|')}, --inputs from 1, --seed from 0`);
    process.exitCode = 2;
    return;
  }
  let total = 0;
  for (const name of values.only as ReaderName[]) {
    const folder = folderForInputs();
    const begun = Date.now();
    const tally: Tally = { inputs: 0, outcomes: {}, findings: new Map() };
    const found = (text: string, at: number) => {
      const cause = causeOf(text);
      const known = tally.findings.get(cause);
      if (known) known.count++;
      else {
        tally.findings.set(cause, { seed: at, text, count: 1 });
        console.log(`${name}, seed ${at}: ${text}`);
      }
    };
    for (let next = seed; next < seed + inputs;)
      next = await watch(name, next, Math.min(perProcess, seed + inputs - next), folder, found, tally);
    for (const { seed: at, text } of tally.findings.values()) {
      const { files } = (await inputOf(name, at)).input;
      mkdirSync(values.findings, { recursive: true });
      const base64 = Object.fromEntries(
        Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')]),
      );
      const path = join(values.findings, `${name}-${at}.json`);
      writeFileSync(path, `${JSON.stringify({ reader: name, seed: at, what: text, files: base64 }, null, 2)}\n`);
      console.log(`saved as ${path}; again: npm run fuzz -- --only ${name} --seed ${at} --inputs 1`);
    }
    rmSync(folder, { recursive: true, force: true });
    total += tally.findings.size;
    const outcomes = Object.entries(tally.outcomes).map(([outcome, n]) => `${n} ${outcome}`);
    console.log(
      `${name}: ${inputs} inputs from seed ${seed} in ${((Date.now() - begun) / 1000).toFixed(0)} s, ` +
        `${tally.findings.size} findings (${[...outcomes].join(', ')})`,
    );
  }
  process.exitCode = total === 0 ? 0 : 1;
  // Readers that were set up for saving may hold threads.
  process.exit();
}

const [mode, name, first, count, folder] = process.argv.slice(2);
if (mode === 'child') await child(name as ReaderName, Number(first), Number(count), folder);
else await parent();
