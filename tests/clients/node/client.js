// A client of `octet lsp --stdio`, built from the library that editors use. It keeps what it sent and every message that
// came back, taken from the raw bytes by a checker of its own, so that a test can count the answers to each id.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  CancellationTokenSource,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  StreamMessageReader,
  StreamMessageWriter,
  createProtocolConnection,
} from 'vscode-languageserver-protocol/node';
import { Doc } from './document.js';

/** Only a bound for failing: no test waits this long when all is well. */
export const kTimeoutMs = 60_000;

const kRepository = new URL('../../../', import.meta.url);

/** A source file of this repository. */
export function repositoryFile(path) {
  return readFileSync(fileURLToPath(new URL(path, kRepository)), 'utf8');
}

/** `promise`, or a failure that says what did not happen in time. */
export function within(promise, what, limitMs = kTimeoutMs) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A small generator of reproducible numbers in [0, 1): mulberry32. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function frame(message) {
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, 'ascii'), body]);
}

/** Takes a stream apart that must hold frames and nothing else. */
export class FrameScanner {
  messages = [];
  fault = null;
  #rest = Buffer.alloc(0);

  push(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.fault === null && this.#takeOne());
  }

  /** What keeps the stream from being whole frames, or null. */
  problem() {
    if (this.fault !== null) return this.fault;
    return this.#rest.length === 0 ? null : `${this.#rest.length} bytes behind the last frame: ${this.#rest.subarray(0, 80)}`;
  }

  #takeOne() {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const header = this.#rest.subarray(0, end).toString('latin1');
    const match = /^Content-Length: (\d+)$/.exec(header);
    if (match === null) return this.#fail(`not a header: ${header.slice(0, 80)}`);
    const stop = end + 4 + Number(match[1]);
    if (this.#rest.length < stop) return false;
    try {
      const body = new TextDecoder('utf-8', { fatal: true }).decode(this.#rest.subarray(end + 4, stop));
      this.messages.push(JSON.parse(body));
    } catch (error) {
      return this.#fail(`a body is not JSON in UTF-8: ${error.message}`);
    }
    this.#rest = this.#rest.subarray(stop);
    return true;
  }

  #fail(fault) {
    this.fault = fault;
    return false;
  }
}

class RecordingWriter extends StreamMessageWriter {
  sent = [];
  #last = Promise.resolve();
  write(message) {
    this.sent.push(message);
    this.#last = super.write(message);
    return this.#last;
  }
  flushed() {
    return this.#last;
  }
}

export class Client {
  lost; // rejected when no more answers can come
  scanner = new FrameScanner();
  stderr = '';
  faults = []; // what the library complained about
  encoding = 'utf-16';
  #watchers = new Set();
  #rawIds = [];
  #lose;

  constructor(args = []) {
    assert.ok(process.env.OCTET_BIN, 'OCTET_BIN names the octet binary to test');
    this.child = spawn(process.env.OCTET_BIN, ['lsp', '--stdio', ...args], { stdio: 'pipe' });
    this.closed = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    });
    this.closed.catch(() => {});
    this.lost = new Promise((_, reject) => (this.#lose = reject));
    this.lost.catch(() => {});
    // What had arrived may still be on its way through the library.
    const afterEnd = ({ code, signal }) => this.#lose(new Error(`the server ended (${signal ?? code}): ${this.stderr}`));
    this.closed.then((end) => setTimeout(afterEnd, 2000, end).unref(), this.#lose);
    this.child.stdin.on('error', () => {}); // a server that ended: its exit code tells
    this.child.stdout.on('data', (chunk) => {
      this.scanner.push(chunk);
      if (this.scanner.fault !== null) this.#lose(new Error(this.scanner.fault));
      this.#wake();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#wake();
    });
    const complain = (text) => this.faults.push(text);
    const logger = { error: complain, warn: complain, info: complain, log: complain };
    this.writer = new RecordingWriter(this.child.stdin);
    this.connection = createProtocolConnection(new StreamMessageReader(this.child.stdout), this.writer, logger);
    this.connection.onUnhandledNotification(() => {});
    this.connection.listen();
  }

  /** A started client, initialized unless asked otherwise; the test's end ends the server. */
  static async start(t, { args, encodings, options, initialize = true } = {}) {
    const client = new Client(args);
    t.after(() => client.kill());
    if (initialize) await client.initialize(encodings, options);
    return client;
  }

  async initialize(encodings, options) {
    const general = encodings === undefined ? {} : { general: { positionEncodings: encodings } };
    const capabilities = { ...general, textDocument: { inlineCompletion: { dynamicRegistration: false } } };
    // Tests of the protocol want to see texts, also those that the model is not sure of, and none that a slow build cuts.
    const initializationOptions = { minConfidence: 0, maxBytes: 24, ...options };
    const params = { processId: process.pid, rootUri: null, capabilities, initializationOptions };
    const result = await this.#received(this.connection.sendRequest('initialize', params), 'the answer to initialize');
    this.encoding = result.capabilities.positionEncoding;
    this.notify('initialized', {});
    return result;
  }

  notify(method, params) {
    void this.connection.sendNotification(method, params).catch(() => {});
  }

  open(uri, languageId, text) {
    const doc = new Doc(uri, languageId, text, this.encoding);
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId, version: doc.version, text } });
    return doc;
  }

  /** Replaces ranges of a document, each given as it is after the ones before it: [start, end, text]. */
  change(doc, ...edits) {
    const contentChanges = doc.apply(edits);
    this.notify('textDocument/didChange', { textDocument: { uri: doc.uri, version: doc.version }, contentChanges });
  }

  close(doc) {
    this.notify('textDocument/didClose', { textDocument: { uri: doc.uri } });
  }

  /** Any request: what came of it is {result} or {error: {code, message}}. */
  async request(method, params) {
    const answer = params === undefined ? this.connection.sendRequest(method) : this.connection.sendRequest(method, params);
    return this.#received(outcome(answer), `the answer to ${method}`);
  }

  /**
   * Asks for a completion as a person does who wants to see one, wherever the cursor is in its line, and returns at once; `answer`
   * settles with {result} or {error}.
   */
  complete(doc, offset, { position = doc.positionAt(offset), triggerKind = InlineCompletionTriggerKind.Invoked } = {}) {
    const source = new CancellationTokenSource();
    const n_sent = this.writer.sent.length;
    const params = { textDocument: { uri: doc.uri }, position, context: { triggerKind } };
    const answer = this.connection.sendRequest(InlineCompletionRequest.type, params, source.token);
    const { id } = this.writer.sent[n_sent];
    const asked = { text: doc.text, encoding: doc.encoding, position, offset };
    return { id, asked, cancel: () => source.cancel(), answer: this.#received(outcome(answer), `the answer to completion ${id}`) };
  }

  /** The items of a completion that must succeed, checked against the document. */
  async items(doc, offset, options) {
    const completion = this.complete(doc, offset, options);
    return checkedItems(completion.asked, await completion.answer);
  }

  /** Sends messages in one write, so that the server reads all of them before it can answer any. */
  async sendTogether(messages) {
    for (const { method, id } of messages) if (method !== undefined && id !== undefined) this.#rawIds.push(id);
    await this.sendRaw(messages.map((message) => JSON.stringify({ jsonrpc: '2.0', ...message })));
  }

  /** Sends bodies as they are, in one write. */
  async sendRaw(bodies) {
    await this.roundTrip(); // nothing of ours is half written or unread
    this.child.stdin.write(Buffer.concat(bodies.map(frame)));
  }

  /** Returns once the server has read everything sent so far. */
  async roundTrip() {
    const { error } = await this.request('octet/noSuchMethod', {});
    assert.ok(error, 'an unknown method is an error');
  }

  answersTo(id) {
    return this.scanner.messages.filter((message) => message.method === undefined && message.id === id);
  }

  /** Waits until `holds` is true of what the server wrote. */
  until(holds, what) {
    if (holds()) return Promise.resolve();
    let watcher;
    const arrived = new Promise((resolve) => {
      watcher = () => holds() && resolve();
      this.#watchers.add(watcher);
    });
    return this.#received(arrived, what).finally(() => this.#watchers.delete(watcher));
  }

  #received(promise, what) {
    return within(Promise.race([promise, this.lost]), what);
  }

  #wake() {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * Ends the session as an editor does, and checks the whole of it: exit code, framing, one answer for each id. `n_refused`
   * bodies were sent that have no usable id; the library complains about their answers and must have no other complaint.
   */
  async stop({ n_refused = 0 } = {}) {
    const { result, error } = await this.request('shutdown');
    assert.equal(error, undefined, 'shutdown succeeds');
    assert.equal(result, null);
    this.notify('exit');
    await this.expectExit(0);
    assert.deepEqual(this.faults.filter((fault) => !fault.startsWith('Received response message without id')), []);
    assert.equal(this.faults.length, n_refused);
    this.checkAnswers();
  }

  async expectExit(code) {
    assert.deepEqual(await within(this.closed, 'the end of the server'), { code, signal: null }, this.stderr);
    assert.equal(this.scanner.problem(), null, 'standard output carries whole frames and nothing else');
  }

  checkAnswers() {
    const asked = this.writer.sent.filter((m) => m.method !== undefined && m.id !== undefined && m.id !== null).map((m) => m.id);
    for (const id of new Set([...asked, ...this.#rawIds])) {
      const n_asked = [...asked, ...this.#rawIds].filter((other) => other === id).length;
      assert.equal(this.answersTo(id).length, n_asked, `request ${JSON.stringify(id)} has one answer`);
    }
  }

  kill() {
    this.connection.dispose();
    this.child.kill('SIGKILL');
  }
}

function outcome(answer) {
  return answer.then(
    (result) => ({ result }),
    ({ code, message }) => ({ error: { code, message } }),
  );
}

/** Checks that an answer offers text that fits the document as it was when it was asked for; returns the items. */
export function checkedItems(asked, { result, error }) {
  assert.equal(error, undefined, 'a completion was answered with an error');
  assert.ok(Array.isArray(result?.items), `expected a list of items, found ${JSON.stringify(result)}`);
  const before = Doc.before(asked);
  for (const { insertText, range } of result.items) {
    assert.equal(typeof insertText, 'string');
    assert.deepEqual(range, before.range, 'the range is the word before the cursor');
    assert.ok(insertText.startsWith(before.word), `'${insertText}' begins with the typed word '${before.word}'`);
    assert.ok(insertText.length > before.word.length, 'an item adds text');
    assert.ok(insertText.isWellFormed?.() ?? true, 'no character is cut');
  }
  return result.items;
}
