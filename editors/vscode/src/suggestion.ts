// What was suggested at one place of a document, and what the person made of the place since. Values: the same document and cursor
// always give the same answer, so that ghost text neither flickers nor waits for the server while it is typed.

/** One text for the place. `id` names it when it is shown or taken. */
export interface Offer {
  readonly id: number;
  readonly text: string;
}

export interface Suggestion {
  readonly uri: string;
  /** Of the document when `here` was read. */
  readonly version: number;
  /** Where the offers begin: the start of the word that was being typed. */
  readonly start: number;
  /** What had been typed of the offers when they were asked for. */
  readonly asked: string;
  /** What the document holds from `start` on now: what was typed of an offer, and closers that the editor put behind the cursor. */
  readonly here: string;
  /** The best first. All begin with `asked`. */
  readonly offers: readonly Offer[];
  /** Whether the person asked, so that these are all there are. */
  readonly hasAlternatives: boolean;
  /** False while the server still writes. */
  readonly isComplete: boolean;
}

/** Replaces `length` code units at `offset`. */
export interface Change {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

/** An offer, to be put in place of [start, end) of the document. */
export interface Placed extends Offer {
  readonly start: number;
  readonly end: number;
}

// What editors close by themselves when the opening half is typed.
const kClosers = /^[)\]}>'"`]*$/;

function isSubsequence(part: string, whole: string): boolean {
  let from = 0;
  for (const character of part) {
    from = whole.indexOf(character, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

/** A place whose offers are being asked for. */
export function begin(uri: string, version: number, cursor: number): Suggestion {
  return { uri, version, start: cursor, asked: '', here: '', offers: [], hasAlternatives: false, isComplete: false };
}

/** What came for the place since: `n_word` of each offer's code units stand before the cursor that was asked about. */
export function withOffers(place: Suggestion, n_word: number, offers: readonly Offer[], isComplete: boolean): Suggestion {
  if (place.offers.length > 0 || offers.length === 0) return { ...place, offers, isComplete };
  const asked = offers[0]!.text.slice(0, n_word);
  return { ...place, start: place.start - n_word, asked, here: asked + place.here, offers, isComplete };
}

/** The suggestion in the document after the changes of one event, in their order; undefined where they leave its place. */
export function follow(suggestion: Suggestion, version: number, changes: readonly Change[]): Suggestion | undefined {
  let { here } = suggestion;
  for (const { offset, length, text } of changes) {
    const at = offset - suggestion.start;
    if (at < 0 || at + length > here.length) return undefined;
    here = here.slice(0, at) + text + here.slice(at + length);
  }
  return here.startsWith(suggestion.asked) ? { ...suggestion, version, here } : undefined;
}

/** Whether a cursor is where typing some of the suggestion leads; nothing need be left of it. */
export function isAt(suggestion: Suggestion, uri: string, version: number, cursor: number): boolean {
  if (suggestion.uri !== uri || suggestion.version !== version) return false;
  const n_typed = cursor - suggestion.start;
  if (n_typed < suggestion.asked.length || n_typed > suggestion.here.length) return false;
  if (!kClosers.test(suggestion.here.slice(n_typed))) return false;
  return suggestion.offers.some(({ text }) => text.startsWith(suggestion.here.slice(0, n_typed)));
}

/**
 * The offers that begin with what was typed and have more, whole: the editor shows what is not there yet. Closers that the editor put
 * behind the cursor are replaced where the offer has its own.
 */
export function remaining(suggestion: Suggestion, uri: string, version: number, cursor: number): Placed[] {
  if (!isAt(suggestion, uri, version, cursor)) return [];
  const typed = suggestion.here.slice(0, cursor - suggestion.start);
  const closers = suggestion.here.slice(typed.length);
  const placed: Placed[] = [];
  for (const { id, text } of suggestion.offers) {
    const left = text.slice(typed.length);
    if (!text.startsWith(typed) || left === '' || left === closers) continue;
    const end = cursor + (isSubsequence(closers, left) ? closers.length : 0);
    placed.push({ id, text, start: suggestion.start, end });
  }
  return placed;
}
