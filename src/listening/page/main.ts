import { headphoneCheck, type HeadphoneResult, type PublicStudy, type Session } from '../protocol.js';
import { AnswerQueue, beginSession, finish, loadClip, loadStudy, resumeSession, saveHeadphones } from './api.js';
import { byId, element, paragraphs, show, showProgress } from './dom.js';
import { checkHeadphones, setVolume } from './sound_check.js';
import { runTrial } from './trial.js';

/** How often a listener may try a required headphone check. */
const headphoneTries = 3;

async function main(): Promise<void> {
  const study = await loadStudy();
  document.title = study.title;
  document.documentElement.lang = study.language;
  byId('title').textContent = study.title;
  byId('preview').hidden = !study.preview;
  const earlier = await resumeSession();
  if (earlier?.finished) return showEnd(earlier);
  const context = await (earlier ? welcomeBack(earlier) : welcome(study));
  const session = earlier ?? (await beginSession());
  const clips = new ClipLoader(context, session);
  await checkSound(study, session, context, clips);
  await trials(study, session, context, clips);
  await finish(await askForComment());
  showEnd(session);
}

/** A browser lets a page make sound only after a click. */
function clickOn(button: HTMLButtonElement): Promise<AudioContext> {
  return new Promise((resolve) =>
    button.addEventListener('click', () => resolve(new AudioContext({ latencyHint: 'interactive' })), { once: true }),
  );
}

function welcome(study: PublicStudy): Promise<AudioContext> {
  const begin = element('button', { type: 'button', class: 'primary', disabled: true }, 'Begin');
  const agree = element('input', { type: 'checkbox', onchange: () => (begin.disabled = !agree.checked) });
  show(
    element('h1', {}, 'Welcome'),
    ...paragraphs(study.instructions),
    element(
      'p',
      {},
      'Please use headphones in a quiet place. Every answer is saved at once: if you close this page, you can ' +
        'come back on the same device and continue.',
    ),
    element(
      'section',
      { class: 'consent' },
      ...paragraphs(study.consent),
      study.contact !== null && element('p', {}, `Questions: ${study.contact}`),
      element('label', {}, agree, element('span', {}, ' I have read this and want to take part.')),
    ),
    element('div', { class: 'next' }, begin),
  );
  return clickOn(begin);
}

function welcomeBack(session: Session): Promise<AudioContext> {
  const resume = element('button', { type: 'button', class: 'primary' }, 'Continue');
  const done = Object.values(session.answers).filter((answer) => answer.done).length;
  show(
    element('h1', {}, 'Welcome back'),
    element('p', {}, `You have done ${done} of ${session.trials.length}. You can continue where you stopped.`),
    element('div', { class: 'next' }, resume),
  );
  return clickOn(resume);
}

/** Loads and decodes the clips of each trial once. */
class ClipLoader {
  private readonly loaded = new Map<number, Promise<AudioBuffer[]>>();

  constructor(
    private readonly context: AudioContext,
    private readonly session: Session,
  ) {}

  load(trial: number): Promise<AudioBuffer[]> {
    const known = this.loaded.get(trial);
    if (known) return known;
    const { clips, reference } = this.session.trials[trial];
    const buttons = Array.from({ length: clips + Number(reference) }, (_, clip) => clip);
    const loading = Promise.all(buttons.map(async (clip) => this.context.decodeAudioData(await loadClip(trial, clip))));
    this.loaded.set(trial, loading);
    // A failed trial is loaded again when it is needed.
    loading.catch(() => this.loaded.delete(trial));
    return loading;
  }

  forget(trial: number): void {
    this.loaded.delete(trial);
  }
}

async function checkSound(
  study: PublicStudy,
  session: Session,
  context: AudioContext,
  clips: ClipLoader,
): Promise<void> {
  show(element('p', { class: 'loading', role: 'status' }, 'Loading …'));
  const first = await clips.load(nextTrial(session) ?? 0);
  await setVolume(context, first[first.length - 1]);
  const enough = (result: HeadphoneResult) =>
    study.headphones === 'record' || study.preview || result.correct >= headphoneCheck.pass;
  if (study.headphones === 'off' || (session.headphones !== null && enough(session.headphones))) return;
  for (let tries = 1; ; tries++) {
    const result = await checkHeadphones(context);
    await saveHeadphones(result);
    if (enough(result)) return;
    if (tries === headphoneTries)
      throw new Error('This test needs headphones, but the check did not find any. Thank you for trying.');
    const again = element('button', { type: 'button', class: 'primary' }, 'Try again');
    show(
      element('h1', {}, 'No headphones found'),
      element(
        'p',
        {},
        'This test needs headphones. Please put them on, make sure that both sides work, and try again.',
      ),
      element('div', { class: 'next' }, again),
    );
    await new Promise((resolve) => again.addEventListener('click', resolve, { once: true }));
  }
}

const nextTrial = ({ trials, answers }: Session): number | undefined =>
  [...trials.keys()].find((trial) => !answers[trial]?.done);

async function trials(study: PublicStudy, session: Session, context: AudioContext, clips: ClipLoader): Promise<void> {
  const queue = new AnswerQueue();
  const first = nextTrial(session) ?? session.trials.length;
  for (let number = first; number < session.trials.length; number++) {
    if (session.answers[number]?.done) continue;
    showProgress(number, session.trials.length);
    show(element('p', { class: 'loading', role: 'status' }, 'Loading …'));
    const buffers = await clips.load(number);
    if (number + 1 < session.trials.length) clips.load(number + 1).catch(() => undefined);
    await runTrial(
      context,
      buffers,
      { study, trial: session.trials[number], number, answer: session.answers[number] },
      queue,
    );
    clips.forget(number);
  }
  byId('progress').hidden = true;
}

function askForComment(): Promise<string> {
  const comment = element('textarea', { id: 'comment', rows: 4, maxlength: 2000 });
  const send = element('button', { type: 'button', class: 'primary' }, 'Finish');
  show(
    element('h1', {}, 'Almost done'),
    element('label', { for: 'comment' }, 'Is there anything you would like to tell us? (You can leave this empty.)'),
    comment,
    element('div', { class: 'next' }, send),
  );
  return new Promise((resolve) => send.addEventListener('click', () => resolve(comment.value), { once: true }));
}

function showEnd({ finish: { message, url } }: Session): void {
  byId('saved').textContent = '';
  show(
    element('h1', {}, 'Thank you'),
    ...paragraphs(message),
    url !== null && element('p', {}, element('a', { href: url, class: 'primary', rel: 'noreferrer' }, 'Continue')),
  );
}

main().catch((error: unknown) => {
  const again = element(
    'button',
    { type: 'button', class: 'primary', onclick: () => location.reload() },
    'Reload the page',
  );
  show(
    element('h1', {}, 'Something went wrong'),
    element('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)),
    element('p', {}, 'Your answers so far are saved.'),
    element('div', { class: 'next' }, again),
  );
});
