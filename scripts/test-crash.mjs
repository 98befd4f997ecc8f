// Kills every command that writes, at random moments, and looks at what is left; then fills its disk. See
// docs/promises.md for what must hold.
//
//   npm run test:crash -- [--kills 20] [--seed 1] [word of a command ...]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadClassifier } from '../dist/src/model/classifiers/file.js';
import { loadVoice } from '../dist/src/model/voice/file.js';
import { tinyTraining } from '../dist/test/support/command_line.js';
import { writeStudyFolder } from '../dist/test/support/listening_study.js';

const { values, positionals } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const kills = Number(values.kills);
/** The same seed gives the same moments, as shares of the time that the command takes undisturbed. */
const random = (command, i) =>
  createHash('sha256').update(`${values.seed} ${command} ${i}`).digest().readUInt32LE() / 2 ** 32;

const root = mkdtempSync(join(tmpdir(), 'tts-crash-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
const cli = (name) => join('dist', 'src', 'cli', `${name}.js`);
const run = (args) => spawnSync(process.execPath, [cli(args[0]), ...args.slice(1)], { encoding: 'utf8' });
const must = (args) => {
  const result = run(args);
  if (result.status !== 0) throw new Error(`${args.join(' ')}: status ${result.status}\n${result.stderr}`);
  return result;
};

/** Every file below a folder, by its path in it. */
function filesIn(folder) {
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map(({ parentPath, path, name }) => {
      const whole = join(parentPath ?? path, name);
      return [whole.slice(folder.length + 1), readFileSync(whole)];
    }),
  );
}

// Inputs, which nothing may change.
const inputs = join(root, 'inputs');
const recordings = join(inputs, 'recordings');
mkdirSync(recordings, { recursive: true });
for (const clip of ['LJ001-0008', 'LJ011-0202', 'LJ042-0094'])
  cpSync(`data/ljspeech-mini/${clip}.flac`, join(recordings, `${clip}.flac`));
const features = join(inputs, 'features.npy');
must(['prepare', 'features', join(recordings, 'LJ001-0008.flac'), features]);
await writeStudyFolder(join(inputs, 'study'), { kind: 'mushra' });
const inputsBefore = filesIn(inputs);

const withoutSeconds = (curve) =>
  curve
    .toString()
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .filter((_, i) => i !== 1)
        .join(),
    );

/** What of a voice comes from training; the date of its making does not. */
async function weightsOf(path) {
  const { sparse, dense, conditioning } = await loadVoice(path);
  return JSON.stringify([sparse, dense, conditioning], (_, value) => (ArrayBuffer.isView(value) ? [...value] : value));
}

const same = (what, a, b) => {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what} differs from that of the undisturbed run`);
};

/** After a kill each file is the older one, or the new one, whole. */
const wholeFiles = (out, undisturbed) => {
  for (const [name, bytes] of filesIn(out))
    if (!name.endsWith('.tmp') && undisturbed.get(name)?.equals(bytes) !== true)
      throw new Error(`${name} (${bytes.length} bytes) is not what the undisturbed command writes`);
};

const identical = {
  check: wholeFiles,
  final(out, undisturbed) {
    wholeFiles(out, undisturbed);
    const missing = [...undisturbed.keys()].filter((name) => !filesIn(out).has(name));
    if (missing.length > 0) throw new Error(`${missing[0]} is missing`);
  },
};

const tinyImages = [
  ...[
    'recipes/mnist',
    '--data',
    'data/mnist-mini',
    '--set',
    'training.examples=64',
    '--set',
    'sizes.mlp.widths=[50, 20]',
  ],
  ...['--set', 'training.checkpointEvery=20', '--set', 'training.validateEvery=20', '--set', 'sparsity.method=fixed'],
];

/**
 * `args` for a folder of outputs; `check` looks at what a kill left, `final` at what is there when the command has run
 * to its end at last. `goesOn`: the next call goes on from there, and nothing is cleared in between.
 * `room`: bytes that are free on the full disk, when that is another number than usual.
 */
const commands = {
  'tts-synth FILE': { args: (out) => ['synth', features, join(out, 'out.wav')], ...identical },
  'tts-synth FOLDER': { args: (out) => ['synth', recordings, out], ...identical },
  'tts-prepare features': {
    args: (out) => ['prepare', 'features', join(recordings, 'LJ042-0094.flac'), join(out, 'f.npy')],
    ...identical,
  },
  'tts-prepare check': { args: (out) => ['prepare', 'check', recordings, '--html', join(out, 'c.html')], ...identical },
  'tts-export': {
    args: (out) => ['export', 'ljspeech', join(out, 'v.safetensors'), '--precision', 'int8'],
    ...identical,
  },
  'tts-eval': {
    args: (out) => [
      ...['eval', '--voice', 'ljspeech', '--data', recordings, '--limit', '2', '--out', out],
      ...['--html', join(out, 'e.html')],
    ],
    // The page holds how fast it was.
    check: (out, undisturbed) => {
      const page = join(out, 'e.html');
      if (existsSync(page) && !readFileSync(page, 'utf8').endsWith('</html>\n')) throw new Error('e.html was cut off');
      for (const [name, bytes] of filesIn(out))
        if (name.endsWith('.wav') && !undisturbed.get(name)?.equals(bytes)) throw new Error(`${name} is not whole`);
    },
    final: (out, undisturbed) =>
      same('the list of files', [...filesIn(out).keys()].sort(), [...undisturbed.keys()].sort()),
  },
  'tts-train, a voice': {
    goesOn: true,
    args: (out) => ['train', ...tinyTraining, '--steps', '12', '--out', join(out, 'run')],
    async check(out) {
      const voice = join(out, 'run', 'voice.safetensors');
      if (existsSync(voice)) await loadVoice(voice);
      const curve = join(out, 'run', 'curve.csv');
      if (existsSync(curve) && !readFileSync(curve, 'utf8').startsWith('step,seconds,loss,'))
        throw new Error('curve.csv lost its head');
    },
    async final(out, undisturbed, before) {
      same(
        'the curve',
        withoutSeconds(readFileSync(join(out, 'run', 'curve.csv'))),
        withoutSeconds(undisturbed.get('run/curve.csv')),
      );
      same(
        'the voice',
        await weightsOf(join(out, 'run', 'voice.safetensors')),
        await weightsOf(join(before, 'run', 'voice.safetensors')),
      );
      for (const name of undisturbed.keys())
        if (/^run\/samples/.test(name) && !filesIn(out).get(name)?.equals(undisturbed.get(name)))
          throw new Error(`${name} is not that of the undisturbed run`);
    },
  },
  'tts-train, a classifier': {
    goesOn: true,
    args: (out) => ['train', ...tinyImages, '--steps', '100', '--out', join(out, 'run')],
    async check(out) {
      const model = join(out, 'run', 'classifier.safetensors');
      if (existsSync(model)) await loadClassifier(model);
    },
    async final(out, undisturbed, before) {
      same(
        'the curve',
        withoutSeconds(readFileSync(join(out, 'run', 'curve.csv'))),
        withoutSeconds(undisturbed.get('run/curve.csv')),
      );
      const [a, b] = await Promise.all(
        [out, before].map((folder) => loadClassifier(join(folder, 'run', 'classifier.safetensors'))),
      );
      const plain = ({ network }) =>
        JSON.stringify(network, (_, value) => (ArrayBuffer.isView(value) ? [...value] : value));
      same('the model', plain(a), plain(b));
    },
  },
  'tts-bench sparsity': {
    goesOn: true,
    // It writes little.
    room: 0,
    args: (out) => [
      ...[
        'bench',
        'sparsity',
        ...tinyImages,
        '--methods',
        'fixed,dense',
        '--seeds',
        '2',
        '--steps',
        '20',
        '--jobs',
        '1',
      ],
      ...['--out', out, '--csv', join(out, 'table.csv')],
    ],
    check: () => undefined,
    final(out, undisturbed) {
      const results = (bytes) =>
        bytes
          .toString()
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
          .map(({ method, seed, quality, nonZeros }) => ({ method, seed, quality, nonZeros }))
          .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      same(
        'the list of results',
        results(filesIn(out).get('results.jsonl')),
        results(undisturbed.get('results.jsonl')),
      );
    },
  },
  'tts-listen serve': {
    goesOn: true,
    server: true,
    prepare: (out) => cpSync(join(inputs, 'study'), join(out, 'study'), { recursive: true }),
    args: (out) => ['listen', 'serve', join(out, 'study'), '--port', '0'],
    check(out) {
      const key = join(out, 'study', 'results.key');
      if (existsSync(key) && readFileSync(key, 'utf8').trim().length < 16) throw new Error('results.key is too short');
    },
    final(out, undisturbed) {
      for (const [name, bytes] of undisturbed)
        if (/^study\/(prepared|systems)\/.*\.wav$/.test(name) && !filesIn(out).get(name)?.equals(bytes))
          throw new Error(`${name} is not that of the undisturbed server`);
    },
  },
};

/** Runs a command; kills it after `delay` ms, unless it has ended. A server has ended when it says where it listens. */
function killed(command, out, delay, signal) {
  return new Promise((resolve, reject) => {
    const args = command.args(out);
    const child = spawn(process.execPath, [cli(args[0]), ...args.slice(1)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const timer = delay === undefined ? undefined : setTimeout(() => child.kill(signal), delay);
    child.stderr.on('data', (text) => (said += text));
    child.stdout.on('data', (text) => {
      // Once: the second signal is not caught.
      const listens = command.server && !said.includes('results: ') && (said + text).includes('results: ');
      said += text;
      if (listens) child.kill('SIGTERM');
    });
    child.once('error', reject);
    child.once('exit', (status, by) => {
      clearTimeout(timer);
      resolve({ status, by, said });
    });
  });
}

async function loop(name, command) {
  const [undisturbed, out] = ['undisturbed', 'out'].map((folder) => join(root, name.replaceAll(/\W+/g, '-'), folder));
  for (const folder of [undisturbed, out]) {
    mkdirSync(folder, { recursive: true });
    command.prepare?.(folder);
  }
  const begun = performance.now();
  const first = await killed(command, undisturbed);
  if (first.status !== 0) throw new Error(`${name} fails undisturbed: ${first.said}`);
  const duration = performance.now() - begun;
  const expected = filesIn(undisturbed);
  let ended = 0;
  for (let i = 0; i < kills; i++) {
    const signal = i % 4 === 3 ? ['SIGTERM', 'SIGINT', 'SIGHUP'][(i >> 2) % 3] : 'SIGKILL';
    const before = new Set([...filesIn(out).keys()].filter((file) => file.endsWith('.tmp')));
    const { status, by, said } = await killed(command, out, random(name, i) * duration, signal);
    if (by === null && status === 0) ended++;
    else if (by === null && status !== 0) throw new Error(`${name}, kill ${i}: status ${status}: ${said}`);
    if (signal !== 'SIGKILL')
      for (const file of filesIn(out).keys())
        if (file.endsWith('.tmp') && !before.has(file)) throw new Error(`${name}, kill ${i}: ${signal} left ${file}`);
    try {
      await command.check(out, expected);
      for (const [file, bytes] of filesIn(inputs))
        if (!inputsBefore.get(file)?.equals(bytes)) throw new Error(`the input ${file} was changed`);
    } catch (error) {
      throw new Error(`${name}, kill ${i} (${signal}): ${error.message}`, { cause: error });
    }
    // Half of the kills meet the files of an earlier call.
    if (!command.goesOn && i % 2 === 1) {
      rmSync(out, { recursive: true });
      mkdirSync(out);
    }
  }
  const last = await killed(command, out);
  if (last.status !== 0) throw new Error(`${name} fails after the kills: ${last.said}`);
  await command.final(out, expected, undisturbed);
  const left = [...filesIn(out).keys()].filter((file) => file.endsWith('.tmp'));
  if (command.goesOn && !command.server && left.length > 0) throw new Error(`${name}: ${left[0]} is left for ever`);
  console.log(`${name}: ${kills} kills, ${ended} came too late; ${(duration / 1000).toFixed(1)} s undisturbed: ok`);
}

/** A small disk that fills up: one line with a code, and the older output stays. Needs the right to mount. */
async function fullDisk(name, command) {
  const disk = join(root, 'disk');
  mkdirSync(disk, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]);
  if (mounted.status !== 0) return console.log(`${name}, full disk: skipped, no right to mount`);
  try {
    command.prepare?.(disk);
    const { blocks, bfree, bsize } = statfsSync(disk);
    spawnSync('mount', ['-o', `remount,size=${(blocks - bfree) * bsize + 65_536}`, disk]);
    writeFileSync(join(disk, 'precious'), 'x'.repeat(65_536 - (command.room ?? 24_576)));
    const outcome = await killed(command, disk);
    if (outcome.status !== 2 || !/^error ERR_[A-Z_]+: .*\n$/m.test(outcome.said) || /ERR_INTERNAL/.test(outcome.said))
      throw new Error(`${name} on a full disk: status ${outcome.status}: ${outcome.said}`);
    const left = [...filesIn(disk).keys()].filter((file) => file.endsWith('.tmp'));
    if (left.length > 0) throw new Error(`${name} on a full disk left ${left[0]}`);
    // More room, and it goes on.
    rmSync(join(disk, 'precious'));
    spawnSync('mount', ['-o', 'remount,size=64m', disk]);
    const again = await killed(command, disk);
    if (again.status !== 0) throw new Error(`${name} with room again: status ${again.status}: ${again.said}`);
    spawnSync('mount', ['-o', 'remount,ro', disk]);
    const before = filesIn(disk);
    const refused = await killed(command, disk);
    // A finished comparison has nothing to write but its table.
    if (refused.status !== 2 || !/error ERR_(FILE_WRITE|LISTENING_TEST): .*\n$/.test(refused.said))
      throw new Error(`${name} on a read-only disk: status ${refused.status}: ${refused.said}`);
    for (const [file, bytes] of before)
      if (!filesIn(disk).get(file)?.equals(bytes)) throw new Error(`${name}: the read-only disk changed ${file}`);
    console.log(`${name}: full and read-only disk: ok`);
  } finally {
    spawnSync('umount', [disk]);
  }
}

let failed = 0;
for (const [name, command] of Object.entries(commands)) {
  if (positionals.length > 0 && !positionals.some((word) => name.includes(word))) continue;
  for (const part of [loop, fullDisk]) {
    try {
      await part(name, command);
    } catch (error) {
      failed++;
      console.error(`FAILED ${error.message}`);
    }
  }
}
process.exitCode = failed > 0 ? 1 : 0;
