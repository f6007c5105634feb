// Ghost text: what the editor is given to show. Text that is there already is answered at once, by suggestion.ts; other text is asked
// for, and shown while it grows. The editor's own inline suggestions draw it and take it.
import {
  type CancellationToken,
  type InlineCompletionContext,
  type InlineCompletionItemProvider,
  type Position,
  type TextDocument,
  type TextDocumentChangeEvent,
  type TextEditor,
  CancellationTokenSource,
  InlineCompletionItem,
  InlineCompletionTriggerKind,
  Range,
  commands,
  window,
  workspace,
} from 'vscode';
import { Growth, type Part } from './growth';
import { OfferFeedback } from './offer_feedback';
import { type Offer, type Placed, type Suggestion, begin, follow, isAt, remaining, withOffers } from './suggestion';

/** An item of the server's answer, as far as it is used. */
interface Item {
  insertText: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  command?: { arguments?: unknown[] };
}

/** How the server is reached; `undefined` where there is none. */
export interface Connection {
  request<T>(method: string, params: unknown, token: CancellationToken): Promise<T> | undefined;
}

/** A question whose answer is still to come, or the last one. */
interface Conversation {
  readonly id: number;
  readonly growth: Growth;
  readonly cursor: number;
  readonly character: number;
  readonly isInvoked: boolean;
  readonly cancel: CancellationTokenSource;
  readonly startedAt: number;
  /** When its first text came. */
  firstAt?: number;
  isDone: boolean;
  /** Called with every new text, and at the end. */
  waiting: (() => void)[];
}

// The rest often comes this soon after the first part: then all of it appears at once.
const kSettleMs = 30;
// Text that grows more often than this looks restless.
const kRefreshMs = 60;
// Who typed on asks again within this; who does not has gone elsewhere.
const kAbandonedMs = 200;

export class GhostText implements InlineCompletionItemProvider {
  readonly feedback: OfferFeedback;
  #suggestion: Suggestion | undefined;
  #live: Conversation | undefined;
  /** The text that the editor was given last. */
  #given = '';
  /** What was asked for before the editor asked. */
  #prepared: Conversation | undefined;
  /** What a change led to. */
  #changed: { uri: string; version: number } | undefined;
  /** Whether the editor asked last for what goes on from an entry of its list. */
  #isListOpen = false;
  /** The document that the editor is asked to ask about again. */
  #refreshing: { uri: string; version: number } | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  #isGrowing = false;

  constructor(
    private readonly connection: Connection,
    feedback: OfferFeedback,
    private readonly onLatency: (ms: number) => void,
    private readonly onAnswered: (isEmpty: boolean) => void,
  ) {
    this.feedback = feedback;
  }

  async provideInlineCompletionItems(
    document: TextDocument,
    position: Position,
    context: InlineCompletionContext,
    token: CancellationToken,
  ): Promise<InlineCompletionItem[] | undefined> {
    const uri = document.uri.toString();
    const isRefresh = this.#refreshing?.uri === uri && this.#refreshing.version === document.version;
    const isInvoked = context.triggerKind === InlineCompletionTriggerKind.Invoke && !isRefresh;
    const selected = context.selectedCompletionInfo;
    this.#isListOpen = selected !== undefined;
    const prepared = this.#takePrepared(document, position, isInvoked);
    const known = prepared !== undefined && !prepared.isDone ? [] : await this.#known(document, position, isInvoked, token);
    if (known.length > 0) {
      const fitting = selected === undefined ? known : known.flatMap((each) => behind(selected, each, document) ?? []);
      if (fitting.length > 0) return this.#give(document, fitting);
    }
    if (token.isCancellationRequested) return undefined;
    if (selected !== undefined) return this.#askBehindSelected(document, position, context, token);

    const conversation = prepared ?? this.#ask(document, position, isInvoked);
    if (conversation === undefined) return undefined;
    this.#withdrawWhenDropped(conversation, token);
    while (!conversation.isDone && !token.isCancellationRequested) {
      if (this.#placed(document, position).length > 0) {
        const leftMs = kSettleMs - (performance.now() - (conversation.firstAt ?? 0));
        await Promise.race([changed(conversation, token, /*isFinal=*/ true), after(leftMs)]);
        break;
      }
      await changed(conversation, token);
    }
    if (token.isCancellationRequested) return undefined;
    const placed = this.#placed(document, position);
    return placed.length > 0 ? this.#give(document, placed) : undefined;
  }

  /** A document changed: what is suggested there goes along. */
  onChange({ document, contentChanges, reason }: TextDocumentChangeEvent): void {
    const isTyped = contentChanges.length === 1 && reason === undefined;
    this.#changed = isTyped ? { uri: document.uri.toString(), version: document.version } : undefined;
    if (this.#suggestion?.uri !== document.uri.toString() || contentChanges.length === 0) return;
    const changes = contentChanges.map(({ rangeOffset, rangeLength, text }) => ({ offset: rangeOffset, length: rangeLength, text }));
    this.#suggestion = follow(this.#suggestion, document.version, changes);
  }

  /**
   * A cursor moved. Where typing moved it, the editor waits (50 ms) whether another key comes, and asks then: the server is asked
   * meanwhile.
   */
  onCursor({ document, selections }: TextEditor): void {
    const uri = document.uri.toString();
    const isTyped = this.#changed?.uri === uri && this.#changed.version === document.version;
    this.#changed = undefined;
    if (!isTyped || this.#isListOpen || selections.length !== 1 || !selections[0]!.isEmpty) return;
    if (!workspace.getConfiguration('editor', document).get('inlineSuggest.enabled', true)) return;
    const position = selections[0]!.active;
    if (this.#placed(document, position).length > 0 || this.#isAwaitedAt(document, position)) return;
    this.#prepared = this.#ask(document, position, /*isInvoked=*/ false);
  }

  onPart(part: Part): void {
    const live = this.#live;
    if (live === undefined || live.isDone || live.isInvoked || !live.growth.add(part)) return;
    if (!workspace.getConfiguration('octet').get('streaming', true)) return;
    const n_word = live.character - part.range.start.character;
    if (part.text.length <= n_word) return;
    this.#offer(live, n_word, [{ id: live.id, text: part.text }], /*isComplete=*/ false);
  }

  /** The person wants no more of it. */
  async dismiss(): Promise<void> {
    this.#live?.cancel.cancel();
    this.forget();
    await commands.executeCommand('editor.action.inlineSuggest.hide');
  }

  /** Nothing that came before counts: settings or the server changed. */
  forget(): void {
    this.#suggestion = undefined;
    this.#live = undefined;
    this.#prepared = undefined;
    this.#setGrowing(false);
  }

  /** Takes a part of what is shown by one of the editor's commands, and tells the server how much that was. */
  async takePart(command: string): Promise<void> {
    const before = this.#shownAt();
    await commands.executeCommand(command);
    const editor = window.activeTextEditor;
    if (before === undefined || editor === undefined) return;
    const length = editor.document.offsetAt(editor.selection.active) - before.start;
    if (length > before.n_typed) this.feedback.acceptedPartly(before.id, length);
  }

  #shownAt(): { id: number; start: number; n_typed: number } | undefined {
    const editor = window.activeTextEditor;
    if (editor === undefined) return undefined;
    const cursor = editor.document.offsetAt(editor.selection.active);
    const [first] = this.#placed(editor.document, editor.selection.active);
    return first && { id: first.id, start: first.start, n_typed: cursor - first.start };
  }

  #placed(document: TextDocument, position: Position): Placed[] {
    if (this.#suggestion === undefined) return [];
    return remaining(this.#suggestion, document.uri.toString(), document.version, document.offsetAt(position));
  }

  /** Whether the person typed all there is of a text that still grows. */
  #isAwaitedAt(document: TextDocument, position: Position): boolean {
    const suggestion = this.#suggestion;
    if (suggestion === undefined || suggestion.isComplete || this.#live === undefined || this.#live.isDone) return false;
    return isAt(suggestion, document.uri.toString(), document.version, document.offsetAt(position));
  }

  /** What need not be asked for. Waits where more of it is to come. */
  async #known(document: TextDocument, position: Position, isInvoked: boolean, token: CancellationToken): Promise<Placed[]> {
    for (;;) {
      const suggestion = this.#suggestion;
      if (suggestion === undefined || (isInvoked && !suggestion.hasAlternatives)) return [];
      const placed = this.#placed(document, position);
      if (placed.length > 0 || !this.#isAwaitedAt(document, position) || token.isCancellationRequested) return placed;
      await changed(this.#live!, token);
    }
  }

  #give(document: TextDocument, placed: Placed[]): InlineCompletionItem[] {
    this.#given = placed[0]!.text;
    this.feedback.shown(placed[0]!.id);
    return placed.map(({ id, text, start, end }) =>
      makeItem(id, text, new Range(document.positionAt(start), document.positionAt(end))),
    );
  }

  /** What was asked for this place already; the editor gets it once, and asks anew after that. */
  #takePrepared(document: TextDocument, position: Position, isInvoked: boolean): Conversation | undefined {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    const { line, character } = position;
    const isIt = prepared !== undefined && prepared === this.#live && !isInvoked;
    return isIt && prepared.growth.isAbout({ uri: document.uri.toString(), version: document.version, line, character }) ? prepared : undefined;
  }

  #ask(document: TextDocument, position: Position, isInvoked: boolean): Conversation | undefined {
    const uri = document.uri.toString();
    const { line, character } = position;
    const cancel = new CancellationTokenSource();
    const params = question(uri, position, isInvoked);
    const answer = this.connection.request<{ items: Item[] } | null>('textDocument/inlineCompletion', params, cancel.token);
    if (answer === undefined) return undefined;
    const cursor = document.offsetAt(position);
    const growth = new Growth({ uri, version: document.version, line, character });
    const id = this.feedback.makeId();
    const live: Conversation = { id, growth, cursor, character, isInvoked, cancel, startedAt: performance.now(), isDone: false, waiting: [] };
    this.#live = live;
    this.#given = '';
    this.#suggestion = { ...begin(uri, document.version, cursor), hasAlternatives: isInvoked };
    answer.then(
      (list) => this.#onAnswer(live, list?.items ?? []),
      () => this.#onAnswer(live, []), // cancelled, or the server ended: the session says so
    );
    return live;
  }

  #withdrawWhenDropped(live: Conversation, token: CancellationToken): void {
    token.onCancellationRequested(() => {
      // The server lets a newer question take over what is computed for this one, as long as nobody withdraws it.
      setTimeout(() => this.#live === live && !live.isDone && this.#isAbandoned() && live.cancel.cancel(), kAbandonedMs).unref();
    });
  }

  #isAbandoned(): boolean {
    const editor = window.activeTextEditor;
    return editor === undefined || this.#suggestion === undefined || this.#placed(editor.document, editor.selection.active).length === 0;
  }

  #onAnswer(live: Conversation, items: Item[]): void {
    live.isDone = true;
    const [first] = items;
    if (this.#live === live) this.onAnswered(items.length === 0);
    const token = first?.command?.arguments?.[0];
    if (typeof token === 'string') this.feedback.name(live.id, token);
    if (this.#live === live) {
      const n_word = first === undefined ? 0 : live.character - first.range.start.character;
      this.#offer(live, n_word, items.map(({ insertText }) => ({ id: live.id, text: insertText })), /*isComplete=*/ true);
      this.#setGrowing(false);
    }
    for (const wake of live.waiting.splice(0)) wake();
  }

  #offer(live: Conversation, n_word: number, offers: Offer[], isComplete: boolean): void {
    if (this.#suggestion === undefined) return;
    if (this.#suggestion.offers.length === 0 && offers.length > 0) {
      live.firstAt = performance.now();
      this.onLatency(live.firstAt - live.startedAt);
    }
    this.#suggestion = withOffers(this.#suggestion, n_word, offers, isComplete);
    if (!isComplete) this.#setGrowing(true);
    if (this.#given !== '' && offers[0]?.text !== this.#given) this.#refreshSoon();
    for (const wake of live.waiting.splice(0)) wake();
  }

  #refreshSoon(): void {
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined;
      void this.#refresh();
    }, kRefreshMs);
  }

  /** Has the editor ask again, for what is there now. */
  async #refresh(): Promise<void> {
    const editor = window.activeTextEditor;
    if (editor === undefined || this.#placed(editor.document, editor.selection.active)[0]?.text === this.#given) return;
    if (this.#placed(editor.document, editor.selection.active).length === 0) return;
    const { uri, version } = editor.document;
    const refreshing = { uri: uri.toString(), version };
    this.#refreshing = refreshing;
    try {
      await commands.executeCommand('editor.action.inlineSuggest.trigger');
    } finally {
      if (this.#refreshing === refreshing) this.#refreshing = undefined;
    }
  }

  /** The list of suggestions is open: the text must go on from the one that is selected there. */
  async #askBehindSelected(
    document: TextDocument,
    position: Position,
    context: InlineCompletionContext,
    token: CancellationToken,
  ): Promise<InlineCompletionItem[] | undefined> {
    const { range, text } = context.selectedCompletionInfo!;
    const params = question(document.uri.toString(), position, context.triggerKind === InlineCompletionTriggerKind.Invoke, { range, text });
    const { version } = document;
    const startedAt = performance.now();
    const answer = this.connection.request<{ items: Item[] } | null>('textDocument/inlineCompletion', params, token);
    const items = (await answer?.catch(() => null))?.items ?? [];
    if (token.isCancellationRequested || document.version !== version) return undefined;
    this.onAnswered(items.length === 0);
    if (items.length === 0) return undefined;
    this.onLatency(performance.now() - startedAt);
    const id = this.feedback.makeId();
    const name = items[0]!.command?.arguments?.[0];
    if (typeof name === 'string') this.feedback.name(id, name);
    const offers = items.map(({ insertText }) => ({ id, text: insertText }));
    const start = document.offsetAt(range.start);
    const cursor = document.offsetAt(position);
    // What is selected need not begin with what was typed; only where it does can it be typed on.
    if (document.getText(new Range(range.start, position)) === offers[0]!.text.slice(0, cursor - start)) {
      this.#live = undefined;
      this.#suggestion = withOffers(begin(document.uri.toString(), version, cursor), cursor - start, offers, /*isComplete=*/ true);
    }
    return this.#give(document, offers.map((offer) => ({ ...offer, start, end: document.offsetAt(range.end) })));
  }

  /** Escape ends growing only while there is some: at other times the key is left alone. */
  #setGrowing(isGrowing: boolean): void {
    if (this.#isGrowing === isGrowing) return;
    this.#isGrowing = isGrowing;
    void commands.executeCommand('setContext', 'octet.isGrowing', isGrowing);
  }
}

function makeItem(id: number, text: string, range: Range): InlineCompletionItem {
  return new InlineCompletionItem(text, range, { title: 'Accept completion', command: 'octet.acceptCompletion', arguments: [id] });
}

interface Selected {
  range: { start: Position; end: Position };
  text: string;
}

function question(uri: string, { line, character }: Position, isInvoked: boolean, selected?: Selected): object {
  const place = ({ line, character }: Position): object => ({ line, character });
  const info = selected && { text: selected.text, range: { start: place(selected.range.start), end: place(selected.range.end) } };
  const context = { triggerKind: isInvoked ? 1 : 2, ...(info && { selectedCompletionInfo: info }) }; // LSP counts from 1, the editor from 0
  return { textDocument: { uri }, position: { line, character }, context };
}

/** The offer in place of what an entry of the list would replace, if it goes on from that entry. */
function behind({ range, text }: Selected, offer: Placed, document: TextDocument): Placed | undefined {
  const start = document.offsetAt(range.start);
  const n_before = start - offer.start;
  if (n_before < 0 || document.offsetAt(range.end) > offer.end || !offer.text.startsWith(text, n_before)) return undefined;
  const stands = document.getText(new Range(document.positionAt(offer.start), range.start));
  return offer.text.startsWith(stands) ? { ...offer, start, text: offer.text.slice(n_before) } : undefined;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for the next text or the end (`isFinal`: the end alone) of a conversation, or until nobody waits any more. */
async function changed(conversation: Conversation, token: CancellationToken, isFinal = false): Promise<void> {
  do {
    if (conversation.isDone || token.isCancellationRequested) return;
    await new Promise<void>((resolve) => {
      const cancelled = token.onCancellationRequested(() => resolve());
      conversation.waiting.push(() => {
        cancelled.dispose();
        resolve();
      });
    });
  } while (isFinal);
}
