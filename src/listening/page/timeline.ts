import { element } from './dom.js';
import { type Player, shortestLoop } from './player.js';

/** Play and pause, loop, and a line with the position; where clips are aligned, two handles on it choose a part. */
export function transport(
  player: Player,
  aligned: boolean,
  toggle: () => void,
): { node: HTMLElement; refresh: () => void; toggleLoop: () => void } {
  const play = element('button', { type: 'button', class: 'play', onclick: toggle });
  const toggleLoop = () => player.setLoop(!player.loop);
  const loop = element(
    'button',
    { type: 'button', class: 'loop', 'aria-pressed': 'false', onclick: toggleLoop },
    'Loop',
  );
  const place = element('div', { class: 'place' });
  const part = element('div', { class: 'part' });
  const line = element('div', { class: 'line' }, part, place);
  const ends = aligned && player.duration > shortestLoop ? handles(player) : [];
  line.append(...ends);
  const clock = element('span', { class: 'clock', 'aria-hidden': 'true' });

  const refresh = () => {
    play.textContent = player.playing ? 'Pause' : 'Play';
    play.classList.toggle('playing', player.playing);
    loop.setAttribute('aria-pressed', String(player.loop));
    const percent = (seconds: number) => `${(100 * seconds) / player.duration}%`;
    place.style.left = percent(player.position);
    part.style.left = percent(player.bounds[0]);
    part.style.width = percent(player.bounds[1] - player.bounds[0]);
    clock.textContent = `${player.position.toFixed(1)} / ${player.duration.toFixed(1)} s`;
  };
  refresh();
  return { node: element('div', { class: 'transport' }, play, loop, line, clock), refresh, toggleLoop };
}

/** The handles for start and end of the part that is played. */
function handles(player: Player): HTMLInputElement[] {
  const { duration } = player;
  const change = (moved: 'start' | 'end') => {
    let [from, to] = [Number(start.value), Number(end.value)];
    if (moved === 'start') from = Math.min(from, Math.max(0, to - shortestLoop));
    else to = Math.max(to, Math.min(duration, from + shortestLoop));
    if (to - from < shortestLoop)
      [from, to] = moved === 'start' ? [to - shortestLoop, to] : [from, from + shortestLoop];
    start.value = String(from);
    end.value = String(to);
    const say = (input: HTMLInputElement, seconds: number) =>
      input.setAttribute('aria-valuetext', `${seconds.toFixed(1)} seconds`);
    say(start, from);
    say(end, to);
  };
  const apply = () => {
    const [from, to] = [Number(start.value), Number(end.value)];
    player.setRegion(from <= 0 && to >= duration - 0.02 ? null : [from, Math.min(to, duration)]);
  };
  const handle = (which: 'start' | 'end', value: number, label: string) =>
    element('input', {
      type: 'range',
      class: which,
      min: 0,
      max: duration,
      step: 0.05,
      value,
      'aria-label': label,
      oninput: () => change(which),
      onchange: apply,
    });
  const start = handle('start', 0, 'Start of the part that is played');
  const end = handle('end', duration, 'End of the part that is played');
  // A step of 0.05 would round the end down.
  end.step = 'any';
  end.value = String(duration);
  return [start, end];
}
