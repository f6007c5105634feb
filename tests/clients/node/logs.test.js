// What leaves the server besides answers: logs, at their most talkative, hold nothing of a document or a suggestion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, frame } from './client.js';

const kCanary = 'zanzibar_canary_7351';
const kText = `def ${kCanary}(self):\n    """${kCanary} é"""\n    return self.${kCanary} + `;

function assertSilent(client, offered = []) {
  assert.ok(client.stderr.length > 0, 'there was a log to look at');
  assert.ok(!client.stderr.includes(kCanary), `the log holds document text:\n${client.stderr}`);
  for (const text of offered) assert.ok(text.length < 8 || !client.stderr.includes(text), `the log holds the suggestion '${text}'`);
}

test('a session at log level trace logs no document text and no suggestion', async (t) => {
  const client = await Client.start(t, { args: ['--log-level', 'trace'] });
  const doc = client.open('file:///repo/src/shape.py', 'python', kText);
  const offered = [];
  for (let i = 0; i < 5; ++i) {
    client.change(doc, [doc.text.length, doc.text.length, ` ${kCanary}`]);
    for (const { insertText } of await client.items(doc, doc.text.length)) offered.push(insertText);
  }
  assert.ok(offered.length > 0);
  const cancelled = client.complete(doc, doc.text.length);
  cancelled.cancel();
  await cancelled.answer;
  client.close(doc);
  await client.complete(doc, 0).answer;
  await client.stop();
  assertSilent(client, offered);
});

test('messages that cannot be used are logged without what they carry', async (t) => {
  const client = await Client.start(t, { args: ['--log-level', 'trace'] });
  const uri = 'file:///repo/src/shape.py';
  client.notify('textDocument/didOpen', { textDocument: { uri: [kCanary], languageId: 'python', version: 1, text: kText } });
  client.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'python', version: 1, text: [kText] } });
  client.notify('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ range: kCanary, text: kText }] });
  client.notify('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: { text: kText } });
  await client.request('textDocument/inlineCompletion', { textDocument: { uri }, position: kCanary });
  const noMethod = JSON.stringify({ jsonrpc: '2.0', id: 1e6, text: kCanary });
  await client.sendRaw([`{"jsonrpc":"2.0","params":{"text":"${kCanary}"`, `["${kCanary}"]`, noMethod]);
  await client.stop({ n_refused: 2 });
  assertSilent(client);
});

test('a wrong Content-Length ends the connection without logging what stands where a header should', async (t) => {
  const client = await Client.start(t, { args: ['--log-level', 'trace'] });
  const textDocument = { uri: 'file:///repo/src/shape.py', languageId: 'python', version: 1, text: kText };
  const message = frame({ jsonrpc: '2.0', method: 'textDocument/didOpen', params: { textDocument } });
  const body = message.subarray(message.indexOf('{'));
  await client.roundTrip();
  // As by a client that counts wrongly: the rest of the body is read as a header.
  client.child.stdin.write(Buffer.concat([Buffer.from(`Content-Length: ${body.indexOf(kCanary) - 2}\r\n\r\n`), body, Buffer.from('\n')]));
  await client.expectExit(1);
  assertSilent(client);
});

test('at log level off nothing is logged', async (t) => {
  const client = await Client.start(t, { args: ['--log-level', 'off'] });
  const doc = client.open('file:///repo/src/shape.py', 'python', kText);
  await client.items(doc, doc.text.length);
  await client.complete(client.open('file:///a.c', 'c', ''), 0).answer;
  await client.stop();
  assert.equal(client.stderr, '');
});
