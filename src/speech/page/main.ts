// Sends the text, and plays the WAV while it comes.

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const form = element<HTMLFormElement>('form');
const text = element<HTMLTextAreaElement>('text');
const voice = element<HTMLSelectElement>('voice');
const speed = element<HTMLInputElement>('speed');
const pitch = element<HTMLInputElement>('pitch');
const speakButton = element<HTMLButtonElement>('speak');
const stopButton = element<HTMLButtonElement>('stop');
const save = element<HTMLAnchorElement>('save');
const status = element('status');

const headerBytes = 44;

let stop = new AbortController();

/** Plays 16-bit samples in pieces, one right after the other; a piece that comes late starts at once. */
class Player {
  private readonly context: AudioContext;
  private until = 0;

  constructor(private readonly sampleRate: number) {
    this.context = new AudioContext({ sampleRate });
  }

  play(bytes: Uint8Array<ArrayBuffer>): void {
    const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    const buffer = this.context.createBuffer(1, samples.length, this.sampleRate);
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / 32768),
      0,
    );
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    const start = Math.max(this.until, this.context.currentTime);
    source.start(start);
    this.until = start + samples.length / this.sampleRate;
  }

  close(): void {
    void this.context.close();
  }
}

/** The bytes so far as a file whose header says how long it is. */
function wavFile(bytes: Uint8Array<ArrayBuffer>): Blob {
  const file = bytes.slice();
  const view = new DataView(file.buffer);
  view.setUint32(4, file.length - 8, true);
  view.setUint32(40, file.length - headerBytes, true);
  return new Blob([file], { type: 'audio/wav' });
}

async function speak(signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  const response = await fetch('speak', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      text: text.value,
      speed: speed.valueAsNumber,
      pitch: pitch.valueAsNumber,
      ...(voice.value !== '' && { voice: voice.value }),
    }),
    signal,
  });
  if (!response.ok || response.body === null) {
    const { error } = (await response.json()) as { error: string };
    throw new Error(error);
  }
  let bytes = new Uint8Array(1 << 20);
  let [length, played] = [0, headerBytes];
  let player: Player | undefined;
  signal.addEventListener('abort', () => player?.close());
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > bytes.length) {
      const larger = new Uint8Array(2 * (length + value.length));
      larger.set(bytes);
      bytes = larger;
    }
    bytes.set(value, length);
    length += value.length;
    if (length <= headerBytes + 1) continue;
    const rate = new DataView(bytes.buffer).getUint32(24, true);
    player ??= new Player(rate);
    const end = length - (length % 2);
    player.play(bytes.slice(played, end));
    played = end;
    status.textContent =
      `${((length - headerBytes) / 2 / rate).toFixed(1)} s of speech in ` +
      `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  }
  save.href = URL.createObjectURL(wavFile(bytes.slice(0, length)));
  save.hidden = false;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  URL.revokeObjectURL(save.href);
  save.hidden = true;
  speakButton.disabled = true;
  stopButton.disabled = false;
  status.textContent = 'speaking …';
  speak(signal)
    .catch((error: unknown) => {
      status.textContent = signal.aborted ? 'stopped' : error instanceof Error ? error.message : String(error);
    })
    .finally(() => {
      speakButton.disabled = false;
      // What has come is still heard, and may be stopped.
      if (signal.aborted) stopButton.disabled = true;
    });
});

stopButton.addEventListener('click', () => {
  stop.abort();
  stopButton.disabled = true;
});

const { voices } = (await (await fetch('healthz')).json()) as { voices: string[] };
voice.append(...voices.map((name) => new Option(name, name)));
