// What a user of VS Code does, with the client that its extensions are built from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State, complete, expectSameAsFresh, isRunning, kCircle, open, pidOf, start, until, user, vscode } from './editor.js';

async function expectItems(document, offset) {
  const items = await complete(document, offset);
  assert.ok(items.length > 0, 'nothing is offered');
  return items;
}

test('the client starts the server, speaks UTF-16 and gets its completions', async (t) => {
  const client = await start(t);
  assert.equal(client.state, State.Running);
  assert.equal(client.initializeResult.capabilities.positionEncoding, 'utf-16');
  assert.equal(client.initializeResult.serverInfo.name, 'octet');
  await expectItems(open());
});

test('a document that was open before the server is known to it', async (t) => {
  const document = open();
  await start(t);
  await expectItems(document);
});

test('an item can be taken, and the next one follows', async (t) => {
  await start(t);
  const document = open();
  const [{ insertText, range }] = await expectItems(document);
  user.edit(document, document.offsetAt(range.start), document.offsetAt(range.end), insertText);
  await expectSameAsFresh(document);
});

test('typed and deleted text arrives', async (t) => {
  await start(t);
  const document = open();
  for (const c of 'radius\n\n    def perimeter(self):\n        return 2 * self.ra') {
    const end = document.getText().length;
    user.edit(document, end, end, c);
  }
  user.edit(document, document.getText().length - 2, document.getText().length, '');
  user.edit(document, 0, kCircle.indexOf('\n'), 'import math\n\nclass Round:');
  await expectSameAsFresh(document);
  await expectSameAsFresh(document, document.getText().indexOf('radius = radius') + 3);
});

test('characters outside the basic plane count as two', async (t) => {
  await start(t);
  const document = open("name = '😀𐐷é' + na\nnaïve = name");
  await expectSameAsFresh(document, document.getText().indexOf('\n'));
  user.edit(document, 8, 10, '👩‍💻𐐷');
  user.edit(document, 0, 0, '# 𐐷\n');
  await expectSameAsFresh(document, document.getText().indexOf('+ na') + 4);
  await expectSameAsFresh(document);
});

test('CR LF is a line ending', async (t) => {
  await start(t);
  const document = open(kCircle.replaceAll('\n', '\r\n'));
  await expectItems(document);
  user.edit(document, 0, 0, '# 😀\r\n');
  const cut = document.getText().indexOf('\r\n', 8);
  user.edit(document, cut, cut + 2, '\n');
  await expectSameAsFresh(document);
});

test('a cancelled completion offers nothing and does not hold up the next one', async (t) => {
  await start(t);
  const document = open();
  const cancelled = [];
  for (let i = 0; i < 20; ++i) {
    const source = new vscode.CancellationTokenSource();
    cancelled.push(complete(document, undefined, { token: source.token }));
    source.cancel();
  }
  const items = expectItems(document);
  for (const answer of cancelled) assert.ok([null, undefined].includes(await answer));
  await items;
});

test('of several completions the newest has the items', async (t) => {
  await start(t);
  const document = open();
  const answers = await Promise.all(Array.from({ length: 10 }, () => complete(document)));
  for (const items of answers) assert.ok(Array.isArray(items));
  assert.ok(answers.at(-1).length > 0);
});

test('two documents are told apart', async (t) => {
  await start(t);
  const first = open();
  const second = open('def total(prices):\n    return sum(', 'file:///repo/src/total.py');
  for (let i = 0; i < 3; ++i) {
    user.edit(first, first.getText().length, first.getText().length, 'r + self.');
    user.edit(second, 0, 0, '# 😀\n');
  }
  await expectSameAsFresh(first);
  await expectSameAsFresh(second);
});

test('a document can be saved, closed and opened again', async (t) => {
  await start(t);
  const document = open();
  await expectItems(document);
  user.save(document);
  user.close(document);
  await assert.rejects(complete(document), /not open/);
  await expectItems(open());
});

test('settings that change while the server runs count at once', async (t) => {
  await start(t);
  const document = open();
  await expectItems(document);
  user.configure('octet', { enabled: false });
  assert.deepEqual(await complete(document), []);
  user.configure('octet', { enabled: true });
  await expectItems(document);
});

test('the server has the files of the workspace watched', async (t) => {
  await start(t);
  await until(() => user.record.watchers.some(({ pattern }) => pattern === '**/*'), 'a watcher of all files');
  const watcher = user.record.watchers.find(({ pattern }) => pattern === '**/*');
  for (const event of [watcher.created, watcher.changed, watcher.deleted]) event.fire(vscode.Uri.file('/repo/src/other.py'));
  await expectItems(open());
});

test('the command that forgets the workspace is there', async (t) => {
  await start(t);
  assert.deepEqual(await user.record.commands.get('octet.forgetWorkspace')(), { forgotten: 0 });
});

test('a restarted server knows the open documents', async (t) => {
  const client = await start(t);
  const document = open();
  user.edit(document, 0, 0, '# 😀\n');
  await expectItems(document); // the edit is on its way no more
  const before = pidOf(client);
  await client.restart();
  await until(() => user.record.providers.length > 0, 'a provider of inline completions');
  assert.notEqual(pidOf(client), before);
  await expectSameAsFresh(document);
});

test('a server that was killed comes back', async (t) => {
  const client = await start(t);
  const document = open();
  await expectItems(document);
  const killed = pidOf(client);
  process.kill(killed, 'SIGKILL');
  await until(() => client.state === State.Running && client._serverProcess !== undefined && pidOf(client) !== killed, 'another server');
  await until(() => user.record.providers.length > 0, 'a provider of inline completions');
  await expectSameAsFresh(document);
});

test('stopping the client leaves no process', async (t) => {
  const client = await start(t);
  const pid = pidOf(client);
  const answer = complete(open()).catch(() => null);
  await client.stop();
  await answer;
  await until(() => !isRunning(pid), 'the end of the server');
});
