import type { Kind } from '../protocol.js';
import { element } from './dom.js';

let enabled = true;

/** Passes keys to a handler, unless they have a meaning where the focus is. Call the result to end that. */
export function onKeys(handle: (key: string) => boolean): () => void {
  const listener = (event: KeyboardEvent) => {
    if (!enabled || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.target as HTMLElement;
    const writes = target.matches('textarea, input[type="text"]');
    const acts = target.matches('button, a, summary, input[type="radio"], input[type="checkbox"]');
    if (writes || (acts && (event.key === ' ' || event.key === 'Enter'))) return;
    if (handle(event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
  };
  document.addEventListener('keydown', listener);
  return () => document.removeEventListener('keydown', listener);
}

const keys: Record<Kind, readonly [string, string][]> = {
  mos: [['1 – 5', 'rate']],
  cmos: [['A, B', 'hear that clip']],
  ab: [['A, B', 'hear that clip']],
  abx: [['A, B, X', 'hear that clip']],
  mushra: [
    ['1 – 9', 'hear that clip'],
    ['0 or R', 'hear the reference'],
    ['arrows', 'move the slider that has the focus'],
  ],
};

/** Lists the keys, with a switch for listeners who do not want them. */
export function shortcutHelp(kind: Kind): HTMLElement {
  const shown: readonly [string, string][] = [
    ['Space or P', 'play, pause'],
    ['L', 'loop'],
    ...keys[kind],
    ['N or Enter', 'next'],
  ];
  const toggle = element('input', { type: 'checkbox', checked: enabled, onchange: () => (enabled = toggle.checked) });
  return element(
    'details',
    { class: 'keys' },
    element('summary', {}, 'Keyboard'),
    element('dl', {}, ...shown.flatMap(([key, meaning]) => [element('dt', {}, key), element('dd', {}, meaning)])),
    element('label', {}, toggle, ' Use these keys'),
  );
}
