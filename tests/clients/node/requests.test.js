// Requests: what is answered, with what, in which order, and that no message stops the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, checkedItems, repositoryFile } from './client.js';

const kParseError = -32700;
const kInvalidRequest = -32600;
const kMethodNotFound = -32601;
const kInvalidParams = -32602;
const kServerNotInitialized = -32002;
const kRequestCancelled = -32800;

const kUri = 'file:///repo/lsp/json_rpc.cpp';
const kMethod = 'textDocument/inlineCompletion';

function openSource(client) {
  return client.open(kUri, 'cpp', repositoryFile('lsp/json_rpc.cpp'));
}

function completionOf(doc, id) {
  const offset = doc.text.indexOf('return Invalid') + 'return '.length;
  const params = { textDocument: { uri: doc.uri }, position: doc.positionAt(offset), context: { triggerKind: 1 } };
  return { id, method: kMethod, params };
}

const cancelOf = (id) => ({ method: '$/cancelRequest', params: { id } });

/** Waits for n answers to an id; returns them in the order of arrival. */
async function answers(client, id, n = 1) {
  await client.until(() => client.answersTo(id).length >= n, `${n} answers to ${JSON.stringify(id)}`);
  return client.answersTo(id);
}

test('a request behind a running completion is answered before it', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([completionOf(doc, 'slow'), { id: 'quick', method: 'octet/unheardOf', params: {} }]);
  const [quick] = await answers(client, 'quick');
  assert.equal(quick.error.code, kMethodNotFound);
  assert.match(quick.error.message, /octet\/unheardOf/);
  const [slow] = await answers(client, 'slow');
  assert.ok(Array.isArray(slow.result.items));
  const order = client.scanner.messages.map((message) => message.id);
  assert.ok(order.indexOf('quick') < order.indexOf('slow'));
  await client.stop();
});

test('a completion that is cancelled right behind its request is answered as cancelled', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([completionOf(doc, 'c1'), cancelOf('c1')]);
  const [answer] = await answers(client, 'c1');
  assert.equal(answer.error.code, kRequestCancelled);
  assert.equal(answer.result, undefined);
  assert.ok((await client.items(doc, doc.text.indexOf('return Invalid') + 7)).length > 0, 'and the next one is served');
  await client.stop();
});

test('a completion behind another supersedes it, which is then answered with nothing to offer', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([completionOf(doc, 'old'), completionOf(doc, 'new')]);
  assert.deepEqual((await answers(client, 'old'))[0].result, { items: [] });
  assert.ok((await answers(client, 'new'))[0].result.items.length > 0);
  await client.stop();
});

test('ids are numbers or strings, and 41 is not "41"', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([completionOf(doc, 4100), completionOf(doc, '4100'), cancelOf('4100')]);
  assert.equal((await answers(client, '4100'))[0].error.code, kRequestCancelled);
  assert.deepEqual((await answers(client, 4100))[0].result, { items: [] });
  await client.stop();
});

test('an id that still waits cannot be used again, and both requests are answered', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([completionOf(doc, 'twice'), completionOf(doc, 'twice')]);
  const [refused, served] = await answers(client, 'twice', 2);
  assert.equal(refused.error.code, kInvalidRequest);
  assert.ok(Array.isArray(served.result.items));
  await client.stop();
});

test('cancelling what is finished, unknown or no id at all is harmless', async (t) => {
  const client = await Client.start(t);
  for (const id of [12345, 'nobody', null, 1.5, {}, []]) client.notify('$/cancelRequest', { id });
  client.notify('$/cancelRequest', {});
  const doc = openSource(client);
  const cursor = doc.text.indexOf('return Invalid') + 7;
  const first = client.complete(doc, cursor);
  checkedItems(first.asked, await first.answer);
  client.notify('$/cancelRequest', { id: first.id });
  assert.ok((await client.items(doc, cursor)).length > 0);
  await client.stop();
});

test('a document that is not open is an invalid parameter that the message names', async (t) => {
  const client = await Client.start(t);
  const params = { textDocument: { uri: 'file:///never/opened.c' }, position: { line: 0, character: 0 }, context: { triggerKind: 1 } };
  const { error } = await client.request(kMethod, params);
  assert.equal(error.code, kInvalidParams);
  assert.match(error.message, /file:\/\/\/never\/opened\.c/);
  await client.stop();
});

test('a closed document is gone until it is opened again', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  const cursor = doc.text.indexOf('return Invalid') + 7;
  assert.ok((await client.items(doc, cursor)).length > 0);
  client.close(doc);
  assert.equal((await client.complete(doc, cursor).answer).error?.code, kInvalidParams);
  client.notify('textDocument/didChange', { textDocument: { uri: kUri, version: 9 }, contentChanges: [{ text: 'ghost' }] });
  client.close(doc);
  assert.equal((await client.complete(doc, cursor).answer).error?.code, kInvalidParams);
  assert.ok((await client.items(openSource(client), cursor)).length > 0);
  await client.stop();
});

test('parameters of the wrong kind are refused with the name of the field', async (t) => {
  const client = await Client.start(t);
  openSource(client);
  const textDocument = { uri: kUri };
  const at = (line, character) => ({ textDocument, position: { line, character }, context: { triggerKind: 1 } });
  const cases = [
    [{}, /textDocument\.uri/],
    [{ textDocument: { uri: 7 }, position: { line: 0, character: 0 } }, /textDocument\.uri/],
    [{ textDocument }, /position\.line/],
    [at(-1, 0), /position\.line/],
    [at(0, -1), /position\.character/],
    [at(0.5, 0), /position\.line/],
    [at('0', 0), /position\.line/],
    [at(0, null), /position\.character/],
    [at(2 ** 31, 0), /position\.line/],
    [at(0, 2 ** 53), /position\.character/],
  ];
  for (const [params, named] of cases) {
    const { error } = await client.request(kMethod, params);
    assert.equal(error?.code, kInvalidParams, JSON.stringify(params));
    assert.match(error.message, named);
  }
  await client.stop();
});

test('notifications that are unknown or unusable change nothing', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  const cursor = doc.text.indexOf('return Invalid') + 7;
  client.notify('octet/unheardOf', { anything: [1, 2, 3] });
  client.notify('$/setTrace', { value: 'off' });
  client.notify('textDocument/didSave', { textDocument: { uri: kUri } });
  client.notify('textDocument/didOpen', { textDocument: { uri: 'file:///no/text.c' } });
  client.notify('textDocument/didChange', { textDocument: { uri: kUri, version: 5 }, contentChanges: 'all of it' });
  client.notify('textDocument/didChange', { textDocument: { uri: kUri, version: 6 }, contentChanges: [{ range: { start: {} }, text: 'x' }] });
  client.notify('textDocument/didClose', {});
  assert.ok((await client.items(doc, cursor)).length > 0);
  await client.stop();
});

test('bodies that are no requests are answered as such, and the server goes on', async (t) => {
  const client = await Client.start(t);
  const doc = openSource(client);
  await client.sendTogether([{ result: null, id: 'an answer to nothing' }, { id: 'no method' }, { id: 'odd method', method: 7 }]);
  for (const id of ['no method', 'odd method']) assert.equal((await answers(client, id))[0].error.code, kInvalidRequest);
  const tooDeep = '[['.repeat(60) + ']]'.repeat(60);
  await client.sendRaw(['{"jsonrpc":"2.0","id":1,', '[]', '"text"', tooDeep, '{"jsonrpc":"1.0","id":8,"method":"shutdown"}']);
  const codes = (await answers(client, null, 4)).map((message) => message.error.code);
  assert.deepEqual(codes, [kParseError, kInvalidRequest, kInvalidRequest, kParseError]);
  assert.equal((await answers(client, 8)).at(-1).error.code, kInvalidRequest); // it may come in a later read than those above
  assert.equal(client.answersTo('an answer to nothing').length, 0);
  assert.ok((await client.items(doc, doc.text.indexOf('return Invalid') + 7)).length > 0);
  await client.stop({ n_refused: 4 });
});

test('nothing but initialize is served before it, and initialize once', async (t) => {
  const client = await Client.start(t, { initialize: false });
  const doc = openSource(client); // dropped
  assert.equal((await client.complete(doc, 0).answer).error?.code, kServerNotInitialized);
  assert.equal((await client.request('shutdown')).error?.code, kServerNotInitialized);
  assert.equal((await client.request('initialize', [1])).error?.code, kInvalidParams);
  const { capabilities, serverInfo } = await client.initialize();
  assert.ok(capabilities.inlineCompletionProvider);
  assert.deepEqual(capabilities.textDocumentSync, { openClose: true, change: 2, save: true });
  assert.equal(serverInfo.name, 'octet');
  assert.equal((await client.complete(doc, 0).answer).error?.code, kInvalidParams, 'the early didOpen was dropped');
  assert.equal((await client.request('initialize', { capabilities: {} })).error?.code, kInvalidRequest);
  await client.stop();
});
