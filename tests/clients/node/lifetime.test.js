// The life of the server: how it starts, how it ends, and with which exit code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, repositoryFile, within } from './client.js';

const kInvalidRequest = -32600;

function openAndAsk(client) {
  const doc = client.open('file:///repo/lsp/log.cpp', 'cpp', repositoryFile('lsp/log.cpp'));
  return client.complete(doc, doc.text.indexOf('return') + 7);
}

test('after shutdown every request is invalid, and exit ends with code 0', async (t) => {
  const client = await Client.start(t);
  assert.deepEqual(await client.request('shutdown'), { result: null });
  assert.equal((await openAndAsk(client).answer).error?.code, kInvalidRequest);
  assert.equal((await client.request('shutdown')).error?.code, kInvalidRequest);
  assert.equal((await client.request('initialize', { capabilities: {} })).error?.code, kInvalidRequest);
  client.notify('exit');
  await client.expectExit(0);
  client.checkAnswers();
});

test('shutdown answers the completion that still runs before it answers itself', async (t) => {
  const client = await Client.start(t);
  const doc = client.open('file:///repo/lsp/log.cpp', 'cpp', repositoryFile('lsp/log.cpp'));
  const params = { textDocument: { uri: doc.uri }, position: { line: 3, character: 0 }, context: { triggerKind: 1 } };
  await client.sendTogether([
    { id: 'running', method: 'textDocument/inlineCompletion', params },
    { id: 'down', method: 'shutdown' },
    { method: 'exit' },
  ]);
  await client.expectExit(0);
  client.checkAnswers();
  assert.deepEqual(client.scanner.messages.slice(-2).map((message) => message.id), ['running', 'down']);
  assert.deepEqual(client.answersTo('running')[0].result, { items: [] });
});

test('exit without shutdown ends with code 1', async (t) => {
  const client = await Client.start(t);
  client.notify('exit');
  await client.expectExit(1);
});

test('exit before initialize ends with code 1', async (t) => {
  const client = await Client.start(t, { initialize: false });
  client.notify('exit');
  await client.expectExit(1);
});

test('exit while a completion runs ends without waiting for more than a step', async (t) => {
  const client = await Client.start(t);
  void openAndAsk(client).answer.catch(() => {});
  client.notify('exit');
  await client.expectExit(1);
});

test('a closed standard input ends the server with code 1', async (t) => {
  const client = await Client.start(t);
  await client.roundTrip();
  client.child.stdin.end();
  await client.expectExit(1);
});

test('a standard input closed behind a completion ends the server with code 1', async (t) => {
  const client = await Client.start(t);
  void openAndAsk(client).answer.catch(() => {});
  await client.writer.flushed();
  client.child.stdin.end();
  await client.expectExit(1);
});

test('a client that stops reading and goes away ends the server', async (t) => {
  const client = await Client.start(t);
  await client.roundTrip();
  client.child.stdout.destroy();
  void client.connection.sendRequest('octet/noSuchMethod').catch(() => {});
  assert.deepEqual(await within(client.closed, 'the end of the server'), { code: 1, signal: null });
});

test('without a model the server says so once, offers nothing and goes on', async (t) => {
  const client = await Client.start(t, { args: ['--model', 'no/such/model.safetensors'] });
  const { result } = await openAndAsk(client).answer;
  assert.deepEqual(result, { items: [] });
  const shown = () => client.scanner.messages.filter((message) => message.method === 'window/showMessage');
  await client.until(() => shown().length > 0, 'window/showMessage');
  assert.deepEqual((await openAndAsk(client).answer).result, { items: [] });
  await client.stop();
  assert.equal(shown().length, 1);
  assert.equal(shown()[0].params.type, 1);
  assert.match(shown()[0].params.message, /no\/such\/model\.safetensors/);
});

test('nothing is sent before the answer to initialize, also when the model is missing', async (t) => {
  const client = await Client.start(t, { args: ['--model', 'no/such/model.safetensors'] });
  await client.until(() => client.scanner.messages.some((message) => message.method === 'window/showMessage'), 'window/showMessage');
  assert.equal(client.scanner.messages[0].method, undefined, 'the first message answers initialize');
  await client.stop();
});
