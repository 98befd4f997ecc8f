import { TtsError } from '../../base/errors.js';

/** Numbers of the symbols that a model reads. */
export class SymbolTable {
  /** Stands before, between and behind all symbols. */
  readonly blank: number;
  /** Stand at the two ends of a sentence, where the model knows them. */
  private readonly ends: readonly [number, number] | undefined;

  private constructor(
    private readonly path: string,
    private readonly numbers: ReadonlyMap<string, number>,
  ) {
    // Matcha-TTS and Piper call it `_`, other recipes of icefall `<blk>`; all have it first.
    this.blank = numbers.get('_') ?? numbers.get('<blk>') ?? 0;
    // Piper's; the symbols of Matcha-TTS have neither.
    const [first, last] = ['^', '$'].map((end) => numbers.get(end));
    this.ends = first === undefined || last === undefined ? undefined : [first, last];
  }

  /**
   * Reads `tokens.txt`: a symbol and its number on each line, parted by a space; the line of the space has the number
   * alone.
   * @throws {TtsError} ERR_ONNX for a line that is not so
   */
  static parse(text: string, path: string): SymbolTable {
    const numbers = new Map<string, number>();
    for (const [i, line] of text
      .replace(/^\uFEFF/, '')
      .split(/\r\n?|\n/)
      .entries()) {
      if (line.trim() === '') continue;
      const [, symbol, digits] = /^(?:(\S+)\s+|\s+)?(\d{1,6})\s*$/.exec(line) ?? [];
      if (digits === undefined)
        throw new TtsError(
          'ERR_ONNX',
          `${path}, line ${i + 1}, is ${JSON.stringify(line.slice(0, 80))}, expected a symbol and its number`,
        );
      numbers.set(symbol ?? ' ', Number(digits));
    }
    if (numbers.size === 0)
      throw new TtsError('ERR_ONNX', `${path} is empty, expected a symbol and its number on each line`);
    return new SymbolTable(path, numbers);
  }

  /**
   * The numbers that a model reads for symbols, with blanks around each.
   * @throws {TtsError} ERR_ONNX with all symbols that there are not
   */
  numbersOf(symbols: readonly string[]): number[] {
    const missing = [...new Set(symbols.filter((symbol) => !this.numbers.has(symbol)))];
    if (missing.length > 0)
      throw new TtsError(
        'ERR_ONNX',
        `${this.path} has no number for ${missing.map((symbol) => `"${symbol}"`).join(', ')}; expected the IPA of eSpeak NG, ` +
          'a character on each line',
      );
    const { blank } = this;
    const spaced = [blank, ...symbols.flatMap((symbol) => [this.numbers.get(symbol)!, blank])];
    return this.ends ? [this.ends[0], ...spaced, this.ends[1]] : spaced;
  }
}
