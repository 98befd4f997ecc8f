import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const present =
  spawnSync('pocketsphinx_batch').error === undefined && existsSync('/usr/share/pocketsphinx/model/en-us/en-us.lm.bin');

/** Why tests that need the recogniser are skipped, or false. */
export const withoutRecogniser = present
  ? false
  : 'needs PocketSphinx (apt-get install pocketsphinx pocketsphinx-en-us)';
