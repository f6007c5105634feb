// Typing: real files of this repository, edited as a person and an editor do it, with completions all along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InlineCompletionTriggerKind } from 'vscode-languageserver-protocol/node';
import { Client, checkedItems, repositoryFile, seeded } from './client.js';
import { compareWithFreshCopy, someCursors } from './sync.js';

const kRequestCancelled = -32800;
const kTyping = { triggerKind: InlineCompletionTriggerKind.Automatic };

test('100 keystrokes without waiting, a third of them cancelled, get one answer each', async (t) => {
  const client = await Client.start(t);
  const random = seeded(20);
  const whole = repositoryFile('lsp/position.cpp');
  const start = whole.indexOf('std::size_t to_offset(');
  assert.ok(start > 0);
  const typed = whole.slice(start, start + 100);
  const doc = client.open('file:///repo/lsp/position.cpp', 'cpp', whole.slice(0, start) + whole.slice(start + 100));

  const completions = [];
  for (let i = 0; i < 100; ++i) {
    client.change(doc, [start + i, start + i, typed[i]]);
    const completion = client.complete(doc, start + i + 1, kTyping);
    // Some are cancelled at once and some a keystroke later.
    completions.push({ ...completion, fate: random() < 1 / 3 ? (random() < 0.5 ? 'now' : 'later') : 'kept' });
    if (completions[i].fate === 'now') completions[i].cancel();
    if (i > 0 && completions[i - 1].fate === 'later') completions[i - 1].cancel();
  }
  assert.equal(doc.text, whole);

  let n_cancelled = 0;
  for (const { id, asked, answer, fate } of completions) {
    const settled = await answer;
    if (fate !== 'kept') ++n_cancelled;
    if (fate !== 'kept' && settled.error !== undefined) {
      assert.equal(settled.error.code, kRequestCancelled, `completion ${id}`);
    } else {
      checkedItems(asked, settled); // superseded ones are answered, with nothing to offer
    }
  }
  assert.ok(n_cancelled >= 20 && n_cancelled <= 50, `${n_cancelled} were cancelled`);
  assert.ok((await compareWithFreshCopy(client, doc, [start + 100, start + 130, ...someCursors(whole, 4, random)])) > 0);
  await client.stop();
});

test('typing that waits for each answer is offered text at most keystrokes', async (t) => {
  const client = await Client.start(t);
  const whole = repositoryFile('lsp/document_store.cpp');
  const start = whole.indexOf('  const auto found = documents_.find(uri);');
  assert.ok(start > 0);
  const doc = client.open('file:///repo/lsp/document_store.cpp', 'cpp', whole.slice(0, start));
  let n_offered = 0;
  for (let i = 0; i < 40; ++i) {
    client.change(doc, [start + i, start + i, whole[start + i]]);
    if ((await client.items(doc, start + i + 1, kTyping)).length > 0) ++n_offered;
  }
  assert.ok(n_offered > 20, `${n_offered} of 40 answers had text`);
  await client.stop();
});

test('edits anywhere in the document keep both sides the same', async (t) => {
  const client = await Client.start(t);
  const random = seeded(7);
  const donor = repositoryFile('lsp/protocol.cpp');
  const doc = client.open('file:///repo/lsp/server.cpp', 'cpp', repositoryFile('lsp/server.cpp'));
  const below = (n) => Math.floor(random() * n);
  const randomEdit = (length) => {
    const start = below(length + 1);
    const end = Math.min(length, start + below(random() < 0.2 ? 400 : 12));
    const from = below(donor.length - 200);
    return [start, end, random() < 0.3 ? '' : donor.slice(from, from + below(120))];
  };

  let n_compared = 0;
  for (let i = 0; i < 16; ++i) {
    const edits = [];
    for (let left = 1 + below(3), length = doc.text.length; left > 0; --left) {
      const [start, end, text] = randomEdit(length);
      edits.push([start, end, text]);
      length += text.length - (end - start);
    }
    if (i === 8) edits.unshift([null, null, donor.slice(0, 3000)], [10, 20, 'replaced whole']);
    if (i === 8) edits.length = 2;
    client.change(doc, ...edits);
    await client.items(doc, edits.at(-1)[0] + edits.at(-1)[2].length);
    if (i % 3 === 0) n_compared += await compareWithFreshCopy(client, doc, someCursors(doc.text, 2, random));
  }
  assert.ok(n_compared > 3, `${n_compared} comparisons had text`);
  await client.stop();
});

test('two documents in turn do not mix', async (t) => {
  const client = await Client.start(t);
  const random = seeded(3);
  const docs = [
    client.open('file:///repo/lsp/log.cpp', 'cpp', repositoryFile('lsp/log.cpp')),
    client.open('file:///repo/node/positions.js', 'javascript', repositoryFile('tests/clients/node/positions.js')),
  ];
  for (let i = 0; i < 16; ++i) {
    const doc = docs[i % 2];
    const [cursor] = someCursors(doc.text, 1, random);
    client.change(doc, [cursor, cursor, i % 2 === 0 ? ' cpp_only' : ' js_only']);
    await client.items(doc, cursor + 4);
  }
  assert.ok(!docs[0].text.includes('js_only') && !docs[1].text.includes('cpp_only'));
  let n_compared = 0;
  for (const doc of docs) n_compared += await compareWithFreshCopy(client, doc, someCursors(doc.text, 3, random));
  assert.ok(n_compared > 0);
  await client.stop();
});

test('a document of 1 MB takes 20 edits and completions and stays the same on both sides', async (t) => {
  const client = await Client.start(t);
  const random = seeded(11);
  const source = repositoryFile('lsp/protocol.cpp');
  const doc = client.open('file:///repo/lsp/large.cpp', 'cpp', source.repeat(Math.ceil((1 << 20) / source.length)));
  assert.ok(doc.text.length >= 1 << 20);
  let n_offered = 0;
  for (let i = 0; i < 20; ++i) {
    const [cursor] = someCursors(doc.text, 1, random);
    client.change(doc, [cursor, cursor + (i % 5), '\n  const auto value = ']);
    const completion = client.complete(doc, cursor + 22);
    await client.roundTrip(); // the server listens while it computes
    n_offered += checkedItems(completion.asked, await completion.answer).length;
  }
  assert.ok(n_offered > 0);
  assert.ok((await compareWithFreshCopy(client, doc, someCursors(doc.text, 4, random))) > 0);
  await client.stop();
});
