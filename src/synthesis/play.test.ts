import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { refused, temporaryFolder } from '../../test/support/files.js';
import { untilPlayed } from './sound_card.js';

test('a sound card that stands still is an error, one that comes to the end is not', async () => {
  await assert.rejects(
    untilPlayed(() => 0.5, 2, 1),
    refused('ERR_AUDIO_DEVICE', /stopped after 0\.5 of 2\.0 s/),
  );
  let time = 0;
  await untilPlayed(() => (time += 0.3), 1, 0);
});

const skip = !existsSync('/usr/share/alsa/alsa.conf') && 'there is no ALSA here';

/** Plays half a second in a program whose sound card is what ALSA is told. */
function playOn(t: TestContext, pcm: string) {
  const home = temporaryFolder(t);
  writeFileSync(join(home, '.asoundrc'), `pcm.!default ${pcm}\n`);
  const script = `
    import { openPlayer } from ${JSON.stringify(new URL('./play.js', import.meta.url).href)};
    const player = await openPlayer(22050).catch((error) => console.log(error.code, error.message));
    if (player) {
      for (let i = 0; i < 5; i++) await player.play(new Int16Array(2205));
      await player.finish();
      console.log('played');
    }`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, HOME: home },
  });
}

test('what is played goes to the sound card, to the end', { skip }, (t) => {
  const { stdout, stderr } = playOn(t, '{ type null }');
  // And nothing else is printed, whatever lies below.
  assert.deepEqual([stdout, stderr], ['played\n', '']);
});

test('without a sound card there is an error of one line', { skip }, (t) => {
  const { stdout, stderr } = playOn(t, '{ type hw card 99 }');
  assert.equal(stderr, '');
  assert.match(stdout, /^ERR_AUDIO_DEVICE no sound card to play on \(.+\); write a file instead\n$/);
});
