// Puts octet/inlineCompletionPartial together: which part belongs to which question, and what the text is so far.

/** The params of octet/inlineCompletionPartial. */
export interface Part {
  uri: string;
  version: number;
  requestId: number | string;
  sequence: number;
  text: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  done: boolean;
}

/** What was asked. The client library keeps the request's id to itself, so that the place must tell. */
export interface Question {
  readonly uri: string;
  readonly version: number;
  readonly line: number;
  readonly character: number;
}

/** The text of one answer as it grows. */
export class Growth {
  text = '';
  #requestId: number | string | undefined;
  #nextSequence = 0;

  constructor(private readonly question: Question) {}

  isAbout({ uri, version, line, character }: Question): boolean {
    const { question } = this;
    return question.uri === uri && question.version === version && question.line === line && question.character === character;
  }

  /** Takes a part in; false where it is not the next one of this answer. */
  add(part: Part): boolean {
    const { uri, version, line, character } = this.question;
    const { end } = part.range;
    if (part.uri !== uri || part.version !== version || end.line !== line || end.character !== character) return false;
    // An older question about the same place may still have parts under way; it is further in its sequence.
    if (part.sequence === 0) {
      this.#requestId = part.requestId;
      this.#nextSequence = 0;
      this.text = '';
    }
    if (part.requestId !== this.#requestId || part.sequence !== this.#nextSequence) return false;
    if (!part.text.startsWith(this.text)) return false;
    this.#nextSequence += 1;
    this.text = part.text;
    return true;
  }
}
