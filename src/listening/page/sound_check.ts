import { headphoneCheck, type HeadphoneResult } from '../protocol.js';
import { element, show } from './dom.js';
import { Player } from './player.js';
import { onKeys } from './shortcuts.js';

/** Plays a clip in a loop until the listener has found a good volume. */
export function setVolume(context: AudioContext, clip: AudioBuffer): Promise<void> {
  const player = new Player(context, [clip], true);
  player.setLoop(true);
  return new Promise((resolve) => {
    const toggle = () => (player.playing ? player.pause() : (void context.resume(), player.play()));
    const play = element('button', { type: 'button', class: 'play', onclick: toggle }, 'Play');
    const next = element(
      'button',
      { type: 'button', class: 'primary', disabled: true, onclick: () => done() },
      'The volume is right',
    );
    player.onchange = () => {
      play.textContent = player.playing ? 'Pause' : 'Play';
      play.classList.toggle('playing', player.playing);
      next.disabled &&= player.heard[0] < 0.05;
    };
    const removeKeys = onKeys((key) => (key === ' ' || key === 'p' ? (toggle(), true) : false));
    const done = () => {
      removeKeys();
      player.dispose();
      resolve();
    };
    show(
      element('h1', {}, 'Set the volume'),
      element(
        'p',
        {},
        'Put on your headphones. Play the clip, set a comfortable volume on your device, and then do not change it ' +
          'until the end.',
      ),
      element('p', { class: 'hint' }, 'No sound on a phone? It may be switched to silent.'),
      element('div', { class: 'panel centred' }, play),
      element('div', { class: 'next' }, next),
    );
  });
}

const toneSeconds = 1;
const pauseSeconds = 0.5;

/**
 * Tells headphones from loudspeakers (Woods et al. 2017, doi:10.3758/s13414-017-1361-2): of three tones of 200 Hz one
 * is 6 dB quieter, and one has opposite signs left and right, so that it nearly vanishes in the air between
 * loudspeakers. Listeners with headphones name the first of these as the quietest.
 */
export async function checkHeadphones(context: AudioContext): Promise<HeadphoneResult> {
  let correct = 0;
  for (let tone = 0; tone < headphoneCheck.tones; tone++) {
    if (await askForQuietest(context, tone)) correct++;
  }
  return { correct, tones: headphoneCheck.tones };
}

type Tone = 'plain' | 'quiet' | 'opposite';

function askForQuietest(context: AudioContext, number: number): Promise<boolean> {
  const order = (['plain', 'quiet', 'opposite'] as Tone[])
    .map((tone) => ({ tone, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ tone }) => tone);
  return new Promise((resolve) => {
    const answers = order.map((tone, i) =>
      element(
        'button',
        { type: 'button', disabled: true, onclick: () => resolve(tone === 'quiet') },
        ['First', 'Second', 'Third'][i],
      ),
    );
    const play = element(
      'button',
      { type: 'button', class: 'play', onclick: () => void listen() },
      'Play the three tones',
    );
    const listen = async () => {
      play.disabled = true;
      await context.resume();
      await playTones(context, order);
      answers.forEach((button) => (button.disabled = false));
      play.disabled = false;
    };
    show(
      element('h1', {}, 'Headphone check'),
      element(
        'p',
        {},
        `Three tones, one after the other. Which one is the quietest? (${number + 1} of ${headphoneCheck.tones})`,
      ),
      element('div', { class: 'panel centred' }, play),
      element('div', { class: 'answers', role: 'group', 'aria-label': 'The quietest tone' }, ...answers),
    );
  });
}

function playTones(context: AudioContext, order: readonly Tone[]): Promise<void> {
  const rate = context.sampleRate;
  const period = toneSeconds + pauseSeconds;
  const buffer = context.createBuffer(2, Math.round(order.length * period * rate), rate);
  order.forEach((tone, i) => {
    const samples = buffer.getChannelData(0);
    const first = Math.round(i * period * rate);
    for (let n = 0; n < toneSeconds * rate; n++) {
      const ramp = Math.min(1, n / (0.1 * rate), (toneSeconds * rate - n) / (0.1 * rate));
      samples[first + n] = (tone === 'quiet' ? 0.1 : 0.2) * ramp * Math.sin((2 * Math.PI * 200 * n) / rate);
    }
    const sign = tone === 'opposite' ? -1 : 1;
    buffer.getChannelData(1).set(
      samples.subarray(first, first + toneSeconds * rate).map((sample) => sign * sample),
      first,
    );
  });
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
  return new Promise((resolve) => (source.onended = () => resolve()));
}
