// Documents of unusual shape: line ends of every kind, no text at all, and cursors outside the text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, checkedItems, repositoryFile, seeded } from './client.js';
import { compareWithFreshCopy, someCursors } from './sync.js';

const kLineEnds = { 'CR LF': '\r\n', 'a lone CR': '\r', 'LF': '\n' };

for (const [name, lineEnd] of Object.entries(kLineEnds)) {
  test(`lines that end with ${name} are counted and edited as the client does`, async (t) => {
    const client = await Client.start(t);
    const random = seeded(5);
    const doc = client.open('file:///repo/lsp/log.cpp', 'cpp', repositoryFile('lsp/log.cpp').replaceAll('\n', lineEnd));
    for (let i = 0; i < 6; ++i) {
      const [cursor] = someCursors(doc.text, 1, random);
      client.change(doc, [cursor, cursor, `${lineEnd}  return `]);
      await client.items(doc, cursor + lineEnd.length + 9);
    }
    const end = doc.text.indexOf(lineEnd); // two lines become one
    client.change(doc, [end, end + lineEnd.length, '']);
    assert.ok((await compareWithFreshCopy(client, doc, someCursors(doc.text, 4, random))) > 0);
    await client.stop();
  });
}

test('line ends of several kinds in one document are counted as the client does', async (t) => {
  const client = await Client.start(t);
  const doc = client.open('file:///repo/src/mixed.c', 'c', 'int a;\r\nint b;\rint c;\n\r\nint f(int x) {\r\n  return \n}\r');
  const cursor = () => doc.text.indexOf('return ') + 7;
  assert.deepEqual(doc.positionAt(cursor()), { line: 5, character: 9 });
  await client.items(doc, cursor());
  client.change(doc, [cursor(), cursor(), 'a\r\n  + ']);
  await client.items(doc, cursor());
  client.change(doc, [6, 8, '\n']);
  assert.ok((await compareWithFreshCopy(client, doc, [cursor()])) > 0);
  await client.stop();
});

test('an empty document completes at its only place and grows from there', async (t) => {
  const client = await Client.start(t);
  const doc = client.open('file:///repo/src/empty.py', 'python', '');
  await client.items(doc, 0);
  client.change(doc, [0, 0, 'def area(self):\n    return self.']);
  assert.ok((await client.items(doc, doc.text.length)).length > 0);
  client.change(doc, [0, doc.text.length, '']);
  await client.items(doc, 0);
  await client.stop();
});

test('a cursor beyond a line means its end, and beyond the text the end of the text', async (t) => {
  const client = await Client.start(t);
  const doc = client.open('file:///repo/src/shape.py', 'python', 'def area(self):\n    return self.\n\ndef half(x):\r\n    return x');
  let n_offered = 0;
  for (const position of [
    { line: 1, character: 1000 },
    { line: 2, character: 1 },
    { line: 3, character: 13 },
    { line: 4, character: 2 ** 31 - 1 },
    { line: 5, character: 0 },
    { line: 2 ** 31 - 1, character: 2 ** 31 - 1 },
  ]) {
    const completion = client.complete(doc, 0, { position });
    n_offered += checkedItems(completion.asked, await completion.answer).length;
  }
  assert.ok(n_offered > 0);
  await client.stop();
});

test('a change whose range lies beyond the text is clamped too', async (t) => {
  const client = await Client.start(t);
  const doc = client.open('file:///repo/src/shape.py', 'python', 'def area(self):\n    pass');
  const range = { start: { line: 1, character: 8 }, end: { line: 900, character: 3 } };
  const text = '\n    return self.radiu';
  client.notify('textDocument/didChange', { textDocument: { uri: doc.uri, version: 2 }, contentChanges: [{ range, text }] });
  doc.apply([[doc.text.length, doc.text.length, text]]);
  assert.ok((await compareWithFreshCopy(client, doc, [doc.text.length])) > 0);
  await client.stop();
});
