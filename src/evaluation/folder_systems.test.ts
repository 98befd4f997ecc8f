import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { tone } from '../../test/support/speech.js';
import { writeWav } from '../audio/write.js';
import { chooseClips, openFolderSystems } from './folder_systems.js';
import { distinctNames } from './system.js';

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

/** A folder of tones, with the length of each in seconds. */
async function folder(name: string, seconds: Record<string, number>, sampleRate = 22050): Promise<string> {
  for (const [id, length] of Object.entries(seconds)) {
    await mkdir(join(at(name), id, '..'), { recursive: true });
    await writeWav(
      at(name, `${id}.wav`),
      tone(() => 200, length, sampleRate),
      sampleRate,
    );
  }
  return at(name);
}

let originals: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'folders-'));
  originals = await folder('originals', { a: 1, b: 1, 'part/c': 1 });
});
after(() => rm(root, { recursive: true }));

test('recordings are matched by name, in subfolders too, and others are resampled, with a note', async () => {
  const ours = await folder('ours', { a: 1, 'part/c': 1.05 }, 24000);
  const {
    systems: [system],
    clips,
  } = await openFolderSystems([ours], originals, false);
  assert.deepEqual(
    clips.map(({ id }) => id),
    ['a', 'part/c'],
  );
  assert.equal(system.name, 'ours');
  const spoken = await system.speak(clips[1]);
  assert.deepEqual(
    [spoken.sampleRate, spoken.original.length, spoken.output.length],
    [22050, 22050, Math.round(1.05 * 22050)],
  );
  assert.equal(spoken.resampledFrom, 24_000);
});

test('what does not fit together is refused by name and number', async () => {
  const strange = await folder('strange', { a: 1, z: 1 });
  const fewer = await folder('fewer', { a: 1 });
  const more = await folder('more', { a: 1, b: 1 });
  const empty = at('empty');
  await mkdir(empty);
  await assert.rejects(openFolderSystems([strange], originals, false), {
    code: 'ERR_CORPUS',
    message:
      /1 of the 2 recordings in .*strange have no original in .*originals; the first is z, expected names such as a/,
  });
  await assert.rejects(openFolderSystems([more, fewer], originals, false), {
    code: 'ERR_CORPUS',
    message: /fewer lacks 1 of the 2 recordings in .*more; the first is b/,
  });
  await assert.rejects(openFolderSystems([fewer, more], originals, false), {
    code: 'ERR_CORPUS',
    message: /fewer lacks 1 of the 2 recordings in .*more; the first is b/,
  });
  await assert.rejects(openFolderSystems([empty], originals, false), { code: 'ERR_CORPUS', message: /empty/ });
  await assert.rejects(openFolderSystems([at('nowhere')], originals, false), {
    code: 'ERR_CORPUS',
    message: /nowhere does not exist/,
  });
  await writeFile(join(empty, 'a.wav'), 'no sound');
  const { systems, clips } = await openFolderSystems([empty], originals, false);
  await assert.rejects(systems[0].speak(clips[0]), { code: 'ERR_AUDIO_FORMAT' });
});

test('another length is refused, unless it is to be warped', async () => {
  const slow = await folder('slow', { a: 1.3 });
  const strict = await openFolderSystems([slow], originals, false);
  await assert.rejects(strict.systems[0].speak(strict.clips[0]), {
    code: 'ERR_CORPUS',
    message: /a\.wav lasts 1\.30 s and its original .*a\.wav 1\.00 s, expected at most 0\.1 s .*--dtw/,
  });
  const lenient = await openFolderSystems([slow], originals, true);
  assert.equal((await lenient.systems[0].speak(lenient.clips[0])).output.length, Math.round(1.3 * 22050));
});

test('systems get short names that tell them apart', () => {
  assert.deepEqual(distinctNames(['runs/a/voice.safetensors', 'runs/b/voice.safetensors', 'x.safetensors']), [
    'a',
    'b',
    'x',
  ]);
  assert.deepEqual(distinctNames(['runs/a/wavs', 'runs/b/wavs/']), ['a-wavs', 'b-wavs']);
  assert.deepEqual(distinctNames(['A/', 'voice']), ['A', 'voice']);
  assert.throws(() => distinctNames(['a', 'b', './a']), { code: 'ERR_ARGUMENT', message: /\.\/a is given twice/ });
});

test('clips are chosen by name, and up to a limit', async () => {
  const { clips } = await openFolderSystems([originals], originals, false);
  const chosen = (choice: Parameters<typeof chooseClips>[2]) =>
    chooseClips(clips, 'originals', choice).map(({ id }) => id);
  assert.deepEqual(chosen({}), ['a', 'b', 'part/c']);
  assert.deepEqual(chosen({ ids: ['part/c', 'a'] }), ['a', 'part/c']);
  assert.deepEqual(chosen({ limit: 2 }), ['a', 'b']);
  assert.throws(() => chosen({ ids: ['a', 'q'] }), {
    code: 'ERR_CORPUS',
    message: 'originals has no clip q, expected one of its 3, such as a',
  });
});
