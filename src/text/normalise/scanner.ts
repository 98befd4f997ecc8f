/** What a rule sees: the folded sentence, where it stands, and what came before. */
export interface Context {
  readonly text: string;
  /** Position in `text` of what is being read. */
  readonly position: number;
  /** The last word before, as it is written, without a stop; '' at the beginning and after a pause. */
  readonly previous: string;
  /** The same of the word before that. */
  readonly beforePrevious: string;
  /** Whether the sentence has capitals only: they mean nothing then. */
  readonly shouting: boolean;
  /** Up to sixty characters from a position on. */
  readonly rest: (from: number) => string;
}

/** What a rule says for what its pattern matched. */
export interface Said {
  /**
   * Words between spaces. Small letters are words; a capital letter is called by its name, capitals (`FBI`) are looked
   * up and spelled if they are no word; other words with capitals are names in mixed case (`iPhone`).
   */
  readonly words: string;
  /** Why they are said so; undefined for words that are spoken as they are written. */
  readonly why?: string;
  /** How many characters are taken, where it is not the whole match. */
  readonly length?: number;
}

export interface Rule {
  /** Sticky, and bounded: no part may match more than a few hundred characters. */
  readonly pattern: RegExp;
  /** Says the match, or declines. */
  readonly say: (match: RegExpExecArray, context: Context) => Said | undefined;
}

/** A rule by its pattern, which is made sticky. */
export function rule(pattern: RegExp, say: Rule['say']): Rule {
  return { pattern: new RegExp(pattern.source, `${pattern.flags}y`), say };
}

/** A rule that says the same why for all that it takes. */
export function because(
  why: string,
  pattern: RegExp,
  words: (match: RegExpExecArray, c: Context) => string | undefined,
) {
  return rule(pattern, (match, context) => {
    const said = words(match, context);
    return said === undefined ? undefined : { words: said, why };
  });
}
