import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MelSettings } from '../../audio/mel_settings.js';
import { melPresets } from '../../audio/presets.js';
import { TtsError } from '../../base/errors.js';
import { readWholeFile } from '../../base/whole_file.js';
import type { Lexicon } from '../../text/lexicon/own.js';
import { isBoundary, type Token } from '../../text/tokens.js';
import type { MelSource, SpokenMel } from '../mel_source.js';
import { ipaOf } from './ipa.js';
import { SymbolTable } from './symbol_table.js';

// Acoustic models that others have trained and exported to ONNX. The runtime is an optional package: nothing is loaded of
// it before such a model is opened.

/** What is used of `onnxruntime-node`. */
interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: BigInt64Array | Float32Array, dims: readonly number[]) => unknown;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    inputs: Record<string, unknown>,
  ): Promise<Record<string, { type: string; data: unknown; dims: readonly number[] }>>;
  release(): Promise<void>;
}

const runtimePackage = 'onnxruntime-node';

/** How much of its noise a model takes; that of Matcha-TTS' own command line. */
const temperature = 0.667;

/** More frames for one symbol are no speech. */
const longestSymbol = 400;

export interface OnnxOptions {
  /** The numbers of its symbols; `tokens.txt` beside the model unless given. */
  readonly tokens?: string;
  /** Default 1. */
  readonly threads?: number;
}

/** An exported Matcha-TTS, or one of icefall. */
export class OnnxAcoustic implements MelSource {
  readonly features: MelSettings = melPresets.hifigan;
  readonly lexicon: Lexicon = new Map();

  private constructor(
    private readonly path: string,
    private readonly table: SymbolTable | undefined,
    private readonly runtime: Runtime,
    private readonly session: Session,
  ) {}

  /**
   * Opens a model: with inputs `x` [1, symbols], `x_lengths` or `x_length` [1], `scales` [2] or `noise_scale` and
   * `length_scale` [1], for several speakers `spks` [1]; and an output `mel` [1, 80, frames], for 22,050 Hz as HiFi-GAN's.
   * Without `tokens.txt` it takes numbers only, see `melOf`.
   * @throws {TtsError} ERR_ONNX if onnxruntime-node is not installed, or this is no such model; ERR_FILE_NOT_FOUND,
   * ERR_FILE_READ
   */
  static async open(path: string, { tokens, threads = 1 }: OnnxOptions = {}): Promise<OnnxAcoustic> {
    const beside = join(dirname(path), 'tokens.txt');
    const tablePath = tokens ?? (existsSync(beside) ? beside : undefined);
    const [bytes, table] = await Promise.all([
      readWholeFile(path),
      tablePath === undefined
        ? undefined
        : readWholeFile(tablePath).then((text) => SymbolTable.parse(Buffer.from(text).toString('utf8'), tablePath)),
    ]);
    const runtime = await loadRuntime();
    let session: Session;
    try {
      session = await runtime.InferenceSession.create(bytes, { intraOpNumThreads: threads, logSeverityLevel: 3 });
    } catch (cause) {
      throw new TtsError('ERR_ONNX', `${path} cannot be run by ${runtimePackage}: ${firstLine(cause)}`, { cause });
    }
    const { inputNames, outputNames } = session;
    const unknown = inputNames.filter((name) => !(name in inputsOf(runtime, [0], 1)));
    if (!inputNames.includes('x') || unknown.length > 0 || !outputNames.includes('mel')) {
      await session.release();
      throw new TtsError(
        'ERR_ONNX',
        `${path} has the inputs ${inputNames.join(', ')} and the outputs ${outputNames.join(', ')}; expected those of ` +
          'Matcha-TTS: x, x_lengths, scales (or noise_scale and length_scale), perhaps spks, and mel, without a vocoder',
      );
    }
    return new OnnxAcoustic(path, table, runtime, session);
  }

  /**
   * The mel spectrogram of a sentence. The model does not tell when its symbols are spoken: `starts` is a guess, by equal
   * times for all.
   * @throws {TtsError} ERR_ARGUMENT for another pitch than 1, which such models do not take; ERR_ONNX without tokens.txt,
   * for a symbol that is not in it, and for what is no mel spectrogram
   */
  async predict(
    tokens: readonly Token[],
    { speed = 1, pitch = 1 }: { speed?: number; pitch?: number } = {},
  ): Promise<SpokenMel> {
    const { path, table } = this;
    if (pitch !== 1)
      throw new TtsError(
        'ERR_ARGUMENT',
        `pitch is ${pitch}, expected 1: ${path} is an ONNX model, which has a pitch of its own`,
      );
    if (table === undefined)
      throw new TtsError(
        'ERR_ONNX',
        `there is no tokens.txt beside ${path}, expected one with the numbers of its symbols`,
      );
    const starts = new Int32Array(tokens.length + 1);
    const { symbols, from } = ipaOf(tokens);
    if (symbols.length === 0) return { data: new Float32Array(0), frames: 0, starts };
    const { data, frames } = await this.melOf(table.numbersOf(symbols), speed);
    const spoken = from.filter((token) => !isBoundary(tokens[token]));
    for (let token = 0, before = 0; token < tokens.length; token++) {
      while (before < spoken.length && spoken[before] <= token) before++;
      starts[token + 1] = Math.round((frames * before) / Math.max(1, spoken.length));
    }
    return { data, frames, starts };
  }

  /**
   * The mel spectrogram for numbers of the model's own symbols, blanks included.
   * @returns data [frames, 80]
   * @throws {TtsError} ERR_ONNX for what is no mel spectrogram
   */
  async melOf(numbers: readonly number[], speed = 1): Promise<{ data: Float32Array; frames: number }> {
    const { path, session, runtime } = this;
    const all = inputsOf(runtime, numbers, speed);
    let results: Awaited<ReturnType<Session['run']>>;
    try {
      results = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, all[name]])));
    } catch (cause) {
      throw new TtsError('ERR_ONNX', `${path} does not run: ${firstLine(cause)}`, { cause });
    }
    const { data: mel, dims } = results.mel;
    const { bins } = this.features;
    const columns = dims[2];
    if (!(mel instanceof Float32Array) || dims.length !== 3 || dims[0] !== 1 || dims[1] !== bins || columns < 1)
      throw new TtsError(
        'ERR_ONNX',
        `${path} gives a mel of ${results.mel.type} [${dims.join(', ')}], expected float32 [1, ${bins}, frames]`,
      );
    // What is behind the length is padding.
    const told = results.mel_lengths?.data as ArrayLike<bigint | number> | undefined;
    const frames = told === undefined ? columns : Number(told[0]);
    if (!(Number.isInteger(frames) && frames >= 1 && frames <= Math.min(columns, numbers.length * longestSymbol)))
      throw new TtsError('ERR_ONNX', `${path} gives ${frames} of ${columns} frames for ${numbers.length} symbols`);
    const data = new Float32Array(frames * bins);
    for (let frame = 0; frame < frames; frame++)
      for (let bin = 0; bin < bins; bin++) data[frame * bins + bin] = mel[bin * columns + frame];
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new TtsError('ERR_ONNX', `${path} gives a mel of ${data[wrong]} in frame ${Math.floor(wrong / bins)}`);
    return { data, frames };
  }

  /** Frees its memory. */
  close(): Promise<void> {
    return this.session.release();
  }
}

/** All inputs that a model may have, for a sentence of the first of its speakers. */
function inputsOf({ Tensor }: Runtime, numbers: readonly number[], speed: number): Record<string, unknown> {
  const whole = (values: readonly number[], dims: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const real = (...values: number[]) => new Tensor('float32', Float32Array.from(values), [values.length]);
  const length = whole([numbers.length], [1]);
  return {
    x: whole(numbers, [1, numbers.length]),
    x_lengths: length,
    x_length: length,
    scales: real(temperature, 1 / speed),
    noise_scale: real(temperature),
    length_scale: real(1 / speed),
    spks: whole([0], [1]),
  };
}

async function loadRuntime(): Promise<Runtime> {
  try {
    // A name in a variable: the compiler need not have the package.
    const module = (await import(runtimePackage)) as { default?: Runtime } & Runtime;
    return module.default ?? module;
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw new TtsError(
      'ERR_ONNX',
      missing
        ? `ONNX models need a package that is not installed: npm install ${runtimePackage}`
        : `${runtimePackage} is installed but does not load: ${firstLine(cause)}`,
      { cause },
    );
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0];
