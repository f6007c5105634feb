// Tells the server what became of its offers. The server's token for an offer may come later than what the person does with it: text
// that grows is seen, and may be taken, before it is whole.

/** Sends `octet.acceptCompletion`, `textDocument/didShowCompletion` or `textDocument/didPartiallyAcceptCompletion`. */
export interface FeedbackSink {
  accepted(token: string): void;
  shown(token: string): void;
  acceptedPartly(token: string, length: number): void;
}

// Offers of so many answers may still be taken.
const kMaxAnswers = 32;

interface Answer {
  token?: string;
  isShown: boolean;
  waiting: ((token: string) => void)[];
}

export class OfferFeedback {
  #answers = new Map<number, Answer>();
  #lastId = 0;

  constructor(private readonly sink: FeedbackSink) {}

  /** A name for the offers of an answer to come. */
  makeId(): number {
    this.#answers.set(++this.#lastId, { isShown: false, waiting: [] });
    this.#answers.delete(this.#lastId - kMaxAnswers);
    return this.#lastId;
  }

  /** The answer is there. */
  name(id: number, token: string): void {
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    answer.token = token;
    for (const tell of answer.waiting.splice(0)) tell(token);
  }

  /** Counts once for each answer. */
  shown(id: number): void {
    const answer = this.#answers.get(id);
    if (answer === undefined || answer.isShown) return;
    answer.isShown = true;
    this.#tell(id, (token) => this.sink.shown(token));
  }

  accepted(id: number): void {
    this.#tell(id, (token) => this.sink.accepted(token));
  }

  /** `length` code units of the item's text stand in the document. */
  acceptedPartly(id: number, length: number): void {
    this.#tell(id, (token) => this.sink.acceptedPartly(token, length));
  }

  #tell(id: number, tell: (token: string) => void): void {
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    if (answer.token === undefined) answer.waiting.push(tell);
    else tell(answer.token);
  }
}
