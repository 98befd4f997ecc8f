import { InvalidArgumentError } from 'commander';
import { limits, within } from '../base/limits.js';

/** Parsers of option values for commander; what they refuse becomes ERR_ARGUMENT with the option and the value. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('expected a whole number from 0');
  return value;
}

export function positiveNumber(text: string): number {
  const value = numberOf(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

/** Times as fast, times as high. */
export function factor(text: string): number {
  const { least, most } = limits.factor;
  const value = numberOf(text);
  if (!within(value, limits.factor)) throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
  return value;
}

/** NaN for what is no plain number. */
const numberOf = (text: string): number => (/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN);

/** For options that may be given several times. */
export function collect(text: string, earlier: string[]): string[] {
  return [...earlier, text];
}

/** What `--kernels` takes: a list of names would be another on every machine. */
export const kernelsHelp = helpOfKernels('');
/** The same of commands that train. */
export const trainingKernelsHelp = helpOfKernels(', or webgpu to train on its GPU');

function helpOfKernels(more: string): string {
  return `one of those that tts-bench info lists${more} (default: the first, the fastest of this machine)`;
}

/** What `--force` does, in all commands that write. */
export const forceHelp = 'replace a file that is there even if it is of another kind';
