import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const paths = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of a Chromium on this machine, if there is one. */
export const chromiumPath = paths.find((path) => path !== undefined && existsSync(path));

/** Why browser tests are skipped, or false. */
export const withoutBrowser =
  chromiumPath === undefined ? 'needs Chromium (apt-get install chromium, or CHROMIUM set to the path of one)' : false;

/** Starts a headless Chromium that sends nothing to the outside. */
export async function startBrowser(...options: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...options,
    ],
  });
}
