// VS Code's language client on a stub of its editor: what each test starts from.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { within } from '../client.js';
import { wordStart } from '../positions.js';

const require = createRequire(import.meta.url);
const Module = require('node:module');
const load = Module._load;
const vscode = require('./vscode.cjs');
Module._load = (name, ...rest) => (name === 'vscode' ? vscode : load(name, ...rest));
const { LanguageClient, State } = require('vscode-languageclient/node');

export { State, vscode };
export const { user } = vscode;

export const kCircle = `class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self.`;

/** Waits for `holds()`, which an event of another process makes true. */
export async function until(holds, what) {
  const waiting = (async () => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  })();
  await within(waiting, what);
}

/** A client whose server runs and has offered its completions; the test's end ends both. */
export async function start(t, { options = {}, prepare = () => {}, configurationSection = 'octet' } = {}) {
  assert.ok(process.env.OCTET_BIN, 'OCTET_BIN names the octet binary to test');
  // Short texts: a build with sanitizers may take longer than the server allows for long ones.
  const initializationOptions = { octet: { maxBytes: 24, ...(options.octet ?? options) } };
  const client = new LanguageClient(
    'octet',
    'Octet',
    { command: process.env.OCTET_BIN, args: ['lsp', '--stdio'] },
    { documentSelector: [{ language: 'python' }], initializationOptions, synchronize: { configurationSection } },
  );
  prepare(client);
  t.after(async () => {
    await client.dispose();
    user.reset();
  });
  await within(client.start(), 'the start of the client');
  await until(() => user.record.providers.length > 0, 'a provider of inline completions');
  return client;
}

export function open(text = kCircle, uri = 'file:///repo/src/circle.py') {
  return user.open(uri, 'python', text);
}

/** The items at an offset (default: the end), each checked against the document. */
export async function complete(document, offset = document.getText().length, { token } = {}) {
  const position = document.positionAt(offset);
  const start = wordStart(document.getText(), offset);
  const source = new vscode.CancellationTokenSource();
  const context = { triggerKind: vscode.InlineCompletionTriggerKind.Invoke, selectedCompletionInfo: undefined };
  const answer = user.record.providers[0].provideInlineCompletionItems(document, position, context, token ?? source.token);
  const list = await within(Promise.resolve(answer), 'the answer to a completion');
  if (list === null || list === undefined) return list;
  for (const { insertText, range } of list.items) {
    assert.deepEqual(range, new vscode.Range(document.positionAt(start), position), 'the range is the word before the cursor');
    assert.ok(insertText.startsWith(document.getText(range)) && insertText.length > offset - start, 'an item extends the word');
  }
  return list.items;
}

/** Fails unless the server offers what it does for the same text opened at once; one may be shorter, the time to decode is limited. */
export async function expectSameAsFresh(document, offset = document.getText().length) {
  const items = await complete(document, offset);
  const fresh = open(document.getText(), document.uri.toString().replace('/repo/', '/fresh/'));
  const expected = await complete(fresh, offset);
  user.close(fresh);
  assert.equal(items.length, expected.length, 'number of items');
  items.forEach(({ insertText: a }, i) => {
    const b = expected[i].insertText;
    assert.ok(a.startsWith(b) || b.startsWith(a), `expected '${b}', found '${a}'`);
  });
  return items;
}

export function pidOf(client) {
  return client._serverProcess.pid;
}

export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
