import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test, { after } from 'node:test';
import { readAudio } from '../src/audio/read.js';
import { writeWav } from '../src/audio/write.js';
import { loadAnyRecipe } from '../src/training/recipe/recipe.js';
import { root, runWarm, shortSpeech, temporaryFolder, tinyTraining } from './support/command_line.js';
import { allHelp, parse } from './support/help.js';
import {
  commandsIn,
  commandsOf,
  guides,
  inlineCommandsOf,
  type PageCommand,
  pages,
  prose,
  read,
} from './support/pages.js';

const { bin, scripts } = JSON.parse(read('package.json')) as Record<'bin' | 'scripts', Record<string, string>>;
const help = allHelp(Object.keys(bin));

const declared = [...read('src/base/errors.ts').matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code);

test('docs/errors.md has a section for every error code, and no other sections', () => {
  const sections = [...read('docs/errors.md').matchAll(/^### (\w+)$/gm)].map(([, code]) => code);
  // Not of TtsError: what the command line says of our own faults.
  assert.deepEqual(sections.sort(), [...declared, 'ERR_INTERNAL'].sort());
});

test('every error code is used, and pages name no others', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== join('base', 'errors.ts'))
    .map((name) => read(join('src', name)))
    .join('\n');
  for (const code of declared) assert.ok(sources.includes(`'${code}'`), `${code} is never used`);
  for (const page of pages)
    for (const [code] of read(page).matchAll(/\bERR_[A-Z_]+\b/g))
      assert.ok([...declared, 'ERR_INTERNAL'].includes(code), `${page} names ${code}`);
});

/** Headings as GitHub turns them into anchors. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('every relative link of a page leads somewhere', () => {
  for (const page of pages) {
    const links = prose(read(page)).matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g);
    for (const [, markdown, image] of links) {
      const link = markdown ?? image;
      if (/^https?:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      assert.ok(existsSync(join(root, target)), `${page}: ${link}`);
      if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${page}: ${link}`);
    }
  }
});

test('every help ends with two examples that the command would take', () => {
  assert.ok(help.size > 7);
  for (const { name, text } of help.values()) {
    const [, ...lines] = /\nExamples:\n {2}(tts-.*)\n {2}(tts-.*)\n$/.exec(text) ?? [];
    assert.equal(lines.length, 2, `${name} --help ends with ${text.slice(-80)}`);
    for (const line of lines) check({ page: `${name} --help`, line, words: commandsIn(line, new Map())[0] });
  }
});

/** Programs that are not ours. */
const foreign = ['git', 'cd', 'mkdir', 'cp'];

/** Fails for a command that names what does not exist. */
function check({ page, line, words: [program, ...words] }: PageCommand): void {
  const where = `${page}: ${line}`;
  if (program === 'npx') return check({ page, line, words });
  if (foreign.includes(program)) return;
  if (program === 'npm') {
    const name = words[0] === 'run' ? words[1] : words[0];
    return assert.ok(['link', 'ci'].includes(name) || Object.hasOwn(scripts, name), where);
  }
  if (program === 'node') return assert.ok(existsSync(join(root, words[0])), where);
  try {
    const { name, values, operands } = parse([program, ...words], help);
    checkRecipe(name, values, operands);
  } catch (error) {
    assert.fail(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads the recipe that a command names with the values that it sets; throws where a key or value does not exist. */
function checkRecipe(name: string, values: readonly (readonly [string, string])[], operands: readonly string[]): void {
  const takesRecipe = ['tts-train', 'tts-bench sparsity'].includes(name);
  if (!takesRecipe && !['tts-bench train', 'tts-bench sample'].includes(name)) return;
  const of = (option: string) => values.filter(([given]) => given === option).map(([, value]) => value);
  const path = takesRecipe ? operands[0] : 'recipes/ljspeech';
  // Of voices to begin from, those that ship are there.
  const from = of('--from').find((voice) => !voice.includes('/'));
  if (path !== undefined) loadAnyRecipe(join(root, path), { set: of('--set'), size: of('--size')[0], from });
}

test('every command line of a page names commands, options and settings that exist', () => {
  // In the text the name of a command may stand without its arguments.
  const inline = pages.flatMap(inlineCommandsOf).filter(({ words }) => !help.has(words.join(' ')));
  const commands = [...pages.flatMap(commandsOf), ...inline];
  assert.ok(commands.length > 60);
  commands.forEach(check);
});

// The rest runs the commands of the guides from top to bottom, in a folder that looks like a clone with recordings of
// one's own beside it. What is slow carries a comment with the reason in the page.
const folder = temporaryFolder({ after });

/** The two shortest clips that ship. */
const shortest = ['LJ001-0002', 'LJ001-0008'];
const corpusOfTwo = 'data/two';

/** What makes a command quick: a network of toy size, one clip or two. */
function quick([program, ...given]: readonly string[]): string[] {
  // tts-eval names the clips that it wants.
  const words = given.map((word) => (word === 'data/ljspeech-mini' && program !== 'tts-eval' ? corpusOfTwo : word));
  const has = (option: string) => words.includes(option);
  if (program === 'tts-train') {
    // A voice brings the sizes of its network along.
    const tiny = has('--from') ? withoutNetwork(tinyTraining.slice(3)) : tinyTraining.slice(3);
    return [...words, ...(words[0] === 'recipes/ljspeech' ? tiny : []), '--steps', '2'];
  }
  if (program === 'tts-eval') return [...words, '--limit', '1'];
  if (program === 'tts-bench' && words[0] === 'precision' && !has('--data'))
    return [...words, '--data', 'my-recordings'];
  return words;
}

/** `--set` and its value, by turns, without those of the network. */
const withoutNetwork = (settings: readonly string[]): string[] =>
  settings.filter((_, i) => !/^(sizes|model)\./.test(settings[i | 1]));

test('the quick commands of the guides run', async (t) => {
  for (const path of ['data/ljspeech-mini', 'data/mnist-mini', 'recipes'])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  // A command that names a clip gets the beginning of it.
  cpSync(join(root, shortSpeech), join(folder, 'data/ljspeech-mini'), { recursive: true });
  mkdirSync(join(folder, corpusOfTwo));
  for (const id of shortest)
    cpSync(join(root, 'data/ljspeech-mini', `${id}.flac`), join(folder, corpusOfTwo, `${id}.flac`));
  const rows = read('data/ljspeech-mini/metadata.csv').split('\n');
  writeFileSync(
    join(folder, corpusOfTwo, 'metadata.csv'),
    rows.filter((row) => shortest.includes(row.split('|')[0])).join('\n'),
  );
  const clips = { one: 'LJ001-0002', two: 'LJ001-0008', three: 'LJ001-0011' };
  for (const name of ['my-recordings', 'held-out', 'originals', 'ours', 'theirs']) {
    mkdirSync(join(folder, name));
    for (const [id, clip] of Object.entries(clips)) {
      const { samples, sampleRate } = await readAudio(join(root, shortSpeech, `${clip}.flac`));
      await writeWav(join(folder, name, `${id}.wav`), samples, sampleRate);
    }
  }
  cpSync(join(folder, 'held-out', 'one.wav'), join(folder, 'recording.wav'));

  const done = new Set<string>();
  const programs = new Set<string>();
  process.chdir(folder);
  t.after(() => process.chdir(root));
  for (const { page, line, words, notRun } of guides.flatMap(commandsOf)) {
    const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
    const key = [program, ...rest].join(' ');
    if (notRun !== undefined || done.has(key)) continue;
    done.add(key);
    await t.test(`${page}: ${key}`, () => {
      assert.ok(Object.hasOwn(bin, program), `${line}: tests run only commands of the toolkit`);
      const args = quick([program, ...rest]);
      // The first of each program is a process of its own.
      const { status, stderr } = programs.has(program)
        ? runWarm(program.replace('tts-', ''), ...args)
        : spawnSync(process.execPath, [join(root, bin[program]), ...args], { encoding: 'utf8' });
      programs.add(program);
      assert.equal(status, 0, stderr);
    });
  }
  assert.ok(done.size > 20);
  for (const path of ['copy.wav', 'f.json', 'out.wav', 'runs/my-voice/voice.safetensors', 'report.html'])
    assert.ok(readFileSync(join(folder, path)).length > 0);
});
