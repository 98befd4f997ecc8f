import type { Answer, PublicStudy, PublicTrial } from '../protocol.js';
import type { AnswerQueue } from './api.js';
import { announce, element, show } from './dom.js';
import { Player } from './player.js';
import { choice, type RatingControl, sliders } from './ratings.js';
import { onKeys, shortcutHelp } from './shortcuts.js';
import { transport } from './timeline.js';

/** Letters or numbers on the buttons. */
const clipLabel = ({ kind }: PublicStudy, { clips }: PublicTrial, clip: number): string =>
  clip >= clips ? 'Reference' : kind === 'mushra' ? String(clip + 1) : kind === 'mos' ? 'Clip' : 'ABX'[clip];

/** A draft is saved this long after the last change, in ms. */
const draftAfter = 250;

/** A trial on the screen. */
export interface TrialView {
  readonly study: PublicStudy;
  readonly trial: PublicTrial;
  readonly number: number;
  readonly answer: Answer | undefined;
}

/** Shows a trial; resolves when its answer is on the server's disk. */
export function runTrial(
  context: AudioContext,
  buffers: readonly AudioBuffer[],
  view: TrialView,
  queue: AnswerQueue,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const screen = new TrialScreen(context, buffers, view, queue);
    screen.finished.then(resolve, reject);
  });
}

class TrialScreen {
  readonly finished: Promise<void>;
  private readonly player: Player;
  private readonly buttons: readonly HTMLButtonElement[];
  private readonly control: RatingControl;
  private readonly bar: ReturnType<typeof transport>;
  private readonly next: HTMLButtonElement;
  private readonly missing = element('p', { class: 'missing', role: 'status' });
  private readonly begun = performance.now();
  private resolve: () => void = () => undefined;
  private reject: (error: unknown) => void = () => undefined;
  private draft: ReturnType<typeof setTimeout> | undefined;
  private readonly removeKeys: () => void;

  constructor(
    private readonly context: AudioContext,
    buffers: readonly AudioBuffer[],
    private readonly view: TrialView,
    private readonly queue: AnswerQueue,
  ) {
    const { study, trial, answer } = view;
    this.finished = new Promise((resolve, reject) => ([this.resolve, this.reject] = [resolve, reject]));
    this.player = new Player(context, buffers, trial.aligned);
    this.buttons = buffers.map((_, clip) => this.clipButton(clip));
    const rated = () => this.changed();
    this.control =
      study.kind === 'mushra'
        ? sliders(this.buttons.slice(0, trial.clips), (clip) => this.player.select(clip), rated)
        : choice(study, rated);
    this.bar = transport(this.player, trial.aligned, () => this.choose(this.player.current));
    this.next = element('button', { type: 'button', class: 'primary', onclick: () => void this.done() }, 'Next');
    if (answer) {
      this.player.restoreHeard(answer.heard);
      this.control.restore(answer.ratings);
    }
    if (trial.reference) this.player.select(trial.clips);
    this.player.setLoop(study.kind === 'mushra' || study.kind === 'abx');
    this.player.onchange = () => this.refresh();
    this.removeKeys = onKeys((key) => this.key(key));
    window.addEventListener('pagehide', this.saveDraft);
    document.addEventListener('visibilitychange', this.saveDraft);
    this.draw();
    this.refresh();
  }

  private draw(): void {
    const { study, trial } = this.view;
    const mushra = study.kind === 'mushra';
    show(
      trial.practice && element('p', { class: 'practice' }, 'Practice: try out the page. This answer does not count.'),
      mushra ? element('h1', {}, study.question) : element('h1', { class: 'hidden-text' }, study.question),
      element('div', { class: 'panel' }, this.bar.node),
      mushra
        ? element('div', { class: 'reference' }, this.buttons[trial.clips])
        : element('div', { class: 'clips' }, ...this.buttons),
      this.control.node,
      element('div', { class: 'next' }, this.missing, this.next),
      shortcutHelp(study.kind),
    );
  }

  private clipButton(clip: number): HTMLButtonElement {
    const { study, trial } = this.view;
    const label = clipLabel(study, trial, clip);
    const name = trial.signals?.[clip];
    return element(
      'button',
      { type: 'button', class: 'clip', 'aria-pressed': 'false', onclick: () => this.choose(clip) },
      element('span', { class: 'label' }, label),
      name !== undefined && element('small', {}, name),
      element('span', { class: 'heard' }),
    );
  }

  /** Plays a clip, or pauses it if it is playing already. */
  private choose(clip: number): void {
    if (clip === this.player.current && this.player.playing) return this.player.pause();
    void this.context.resume();
    this.player.select(clip);
    this.player.play();
    announce(`Playing ${clipLabel(this.view.study, this.view.trial, clip)}`);
  }

  private key(key: string): boolean {
    const { study, trial } = this.view;
    if (this.control.key(key)) return true;
    if (key === ' ' || key === 'p') this.choose(this.player.current);
    else if (key === 'l') this.bar.toggleLoop();
    else if (key === 'n' || key === 'Enter') {
      if (!this.next.disabled) void this.done();
    } else if (trial.reference && (key === '0' || key === 'r')) this.choose(trial.clips);
    else if (study.kind === 'mushra' && Number(key) >= 1 && Number(key) <= trial.clips) this.choose(Number(key) - 1);
    else if (study.kind !== 'mos' && study.kind !== 'mushra' && 'abx'.slice(0, trial.clips).includes(key))
      this.choose('abx'.indexOf(key));
    else return false;
    return true;
  }

  private refresh(): void {
    const { study, trial } = this.view;
    this.bar.refresh();
    const heard = this.player.heard;
    this.buttons.forEach((button, clip) => {
      const current = clip === this.player.current;
      button.classList.toggle('current', current);
      button.setAttribute('aria-pressed', String(current && this.player.playing));
      (button.querySelector('.heard') as HTMLElement).style.width =
        `${100 * Math.min(1, heard[clip] / Math.max(study.forcePlay, 0.01))}%`;
    });
    this.control.enable(
      heard.map((share, clip) => study.preview || share > 0 || (clip === this.player.current && this.player.playing)),
    );
    const names = (clips: number[]) => clips.map((clip) => clipLabel(study, trial, clip)).join(', ');
    const unheard = [...Array(trial.clips).keys()].filter((clip) => heard[clip] < study.forcePlay);
    const unrated = this.control.values().flatMap((value, clip) => (value === null ? [clip] : []));
    const wanted = [
      unheard.length > 0 &&
        (study.kind === 'mos'
          ? 'Listen to the end.'
          : `${study.forcePlay > 0.5 ? 'Listen to the end of' : 'Listen to'} ${names(unheard)}.`),
      unrated.length > 0 &&
        study.forceRating &&
        (study.kind === 'mushra' ? `Rate ${names(unrated)}.` : 'Choose an answer.'),
    ].filter((text) => text !== false);
    this.next.disabled = wanted.length > 0 && !study.preview;
    const text = wanted.join(' ');
    if (this.missing.textContent !== text) this.missing.textContent = text;
  }

  private answer(done: boolean): Answer {
    return {
      ratings: this.control.values(),
      heard: this.player.heard,
      seconds: (this.view.answer?.seconds ?? 0) + (performance.now() - this.begun) / 1000,
      done,
    };
  }

  private changed(): void {
    this.refresh();
    clearTimeout(this.draft);
    this.draft = setTimeout(this.saveDraft, draftAfter);
  }

  /** Called also when the page is hidden, because it may be closed next. */
  private readonly saveDraft = () => {
    if (this.draft === undefined) return;
    clearTimeout(this.draft);
    this.draft = undefined;
    void this.queue.save(this.view.number, this.answer(false)).catch(this.reject);
  };

  private async done(): Promise<void> {
    this.next.disabled = true;
    clearTimeout(this.draft);
    window.removeEventListener('pagehide', this.saveDraft);
    document.removeEventListener('visibilitychange', this.saveDraft);
    this.removeKeys();
    this.player.dispose();
    try {
      await this.queue.save(this.view.number, this.answer(true));
      this.resolve();
    } catch (error) {
      this.reject(error);
    }
  }
}
