import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder } from '../../../test/support/command_line.js';
import { withoutRecogniser } from '../../../test/support/recogniser.js';
import { speechOf, speechRate, withNoise } from '../../../test/support/speech.js';
import { openRecogniser, parseHypothesis } from './recogniser.js';
import { wordErrors, wordsOf } from './word_errors.js';

const folder = temporaryFolder({ after });

test('the text is what stands before the name and the score', () => {
  assert.equal(parseHypothesis('a boy (he) saw no one (17 -27485)\n'), 'a boy (he) saw no one');
  assert.equal(parseHypothesis(' (0 0)\n'), '');
  assert.equal(parseHypothesis('(0 0)\n'), '');
  for (const line of ['', 'a boy saw no one', 'two (1 -3)\nlines (2 -4)\n'])
    assert.throws(() => parseHypothesis(line), {
      code: 'ERR_RECOGNISER',
      message: /expected a line TEXT \(NAME SCORE\)/,
    });
});

/** Runs with other programs in the PATH. */
async function withPath<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  process.env.PATH = path;
  try {
    return await work();
  } finally {
    process.env.PATH = PATH;
  }
}

test('a recogniser that is not installed is told with the package that has it', async () => {
  await withPath(folder, () =>
    assert.rejects(openRecogniser(), {
      code: 'ERR_RECOGNISER',
      message: /pocketsphinx_batch is not installed.*apt-get install pocketsphinx pocketsphinx-en-us/,
    }),
  );
});

test('a model that is not installed, and any other fault, is told in the words of the program', async (t) => {
  if (process.platform === 'win32') return t.skip('writes shell scripts');
  const program = join(folder, 'pocketsphinx_batch');
  const complain = (said: string) => {
    writeFileSync(program, `#!/bin/sh\necho 'INFO: fine' >&2\necho '${said}' >&2\nexit 1\n`);
    chmodSync(program, 0o755);
    return withPath(`${folder}${delimiter}${process.env.PATH}`, () => openRecogniser());
  };
  await assert.rejects(complain('ERROR: "acmod.c", line 75: not specified either with -mdef option or with -hmm'), {
    code: 'ERR_RECOGNISER',
    message: /has no model of US English.*apt-get install.*acmod\.c/,
  });
  await assert.rejects(complain('FATAL: "batch.c", line 1: out of luck'), {
    code: 'ERR_RECOGNISER',
    message: 'pocketsphinx_batch failed: FATAL: "batch.c", line 1: out of luck',
  });
});

test('speech is recognised, the same for any number of threads and order', { skip: withoutRecogniser }, async () => {
  const clips = ['LJ050-0270', 'LJ001-0008', 'LJ011-0202'];
  const signals = await Promise.all(clips.map(speechOf));
  const hear = async (threads: number, order: readonly number[]) => {
    const recogniser = await openRecogniser({ threads });
    const texts = await Promise.all(order.map((i) => recogniser.hear(signals[i], speechRate)));
    await recogniser.dispose();
    return order.map((_, i) => texts[order.indexOf(i)]);
  };
  const texts = await hear(1, [0, 1, 2]);
  assert.deepEqual(await hear(2, [2, 0, 1]), texts);
  const said = wordsOf(
    'This Commission can recommend no procedures for the future protection of our Presidents which will guarantee security.',
  );
  assert.ok(wordErrors(said, wordsOf(texts[0])) <= 4, texts[0]);
  const recogniser = await openRecogniser();
  const noise = await recogniser.hear(withNoise(signals[0], -10), speechRate);
  assert.ok(wordErrors(said, wordsOf(noise)) > 10, noise);
  assert.equal(await recogniser.hear(new Float32Array(0), speechRate), '');
  await recogniser.dispose();
});
