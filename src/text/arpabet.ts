/** Vowels and consonants of ARPAbet, as the CMU dictionary and the English models of the Montreal aligner have them. */
export const vowels = 'AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW'.split(' ');
export const consonants = 'B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH'.split(' ');

/** All phones: consonants, and vowels with stress: 0 none, 1 primary, 2 secondary. */
export const phones: readonly string[] = [
  ...vowels.flatMap((vowel) => [`${vowel}0`, `${vowel}1`, `${vowel}2`]),
  ...consonants,
];

const known = new Set(phones);
const bareVowels = new Set(vowels);

export const isPhone = (name: string): boolean => known.has(name);
export const isVowel = (phone: string): boolean => bareVowels.has(phone.replace(/\d$/, ''));

/**
 * Reads phones as people write them: `HH AH0 L OW1`, in small letters too. Where no vowel has a stress, the first vowel
 * that is no AH has the primary one.
 *
 * @returns the phones, or the first that does not exist
 */
export function parsePhones(text: string): { readonly phones: string[] } | { readonly unknown: string } {
  const names = text.trim().toUpperCase().split(/\s+/).slice(0, 200);
  const unknown = names.find((name) => !known.has(name) && !bareVowels.has(name));
  if (unknown !== undefined) return { unknown };
  const unmarked = !names.some((name) => /\d$/.test(name));
  const full = names.findIndex((name) => bareVowels.has(name) && name !== 'AH');
  const stressed = full < 0 ? names.indexOf('AH') : full;
  return {
    phones: names.map((name, i) => (bareVowels.has(name) ? `${name}${unmarked && i === stressed ? 1 : 0}` : name)),
  };
}
