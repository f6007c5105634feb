// What lsp.md asks of the server beyond plain completions, with the client that VS Code's extensions are built from.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { complete, kCircle, open, start, until, user, vscode } from './editor.js';

/** Everything that a method brought, in order. */
function collect(method) {
  const seen = [];
  return [seen, (client) => client.onNotification(method, (params) => void seen.push(params))];
}

test('inline completion is registered dynamically with a client that can, and once', async (t) => {
  const client = await start(t);
  assert.equal(client.initializeResult.capabilities.inlineCompletionProvider, undefined);
  assert.equal(user.record.providers.length, 1);
  assert.ok((await complete(open())).length > 0);
});

test('settings are pulled, at the start and when they change', async (t) => {
  user.configure('octet', { enabled: false });
  await start(t, { configurationSection: undefined });
  const document = open();
  assert.deepEqual(await complete(document), []);
  user.configure('octet', { enabled: true });
  await until(async () => (await complete(document)).length > 0, 'a completion');
});

test('a language can be switched off', async (t) => {
  user.configure('octet', { disabledLanguages: ['python'] });
  const client = await start(t);
  assert.deepEqual(await complete(open()), []);
  const { lastReason } = await client.sendRequest('octet/status');
  assert.equal(lastReason, 'disabled_language');
});

test('files that a pattern names are not completed', async (t) => {
  user.configure('octet', { disabledGlobs: ['**/generated/**'] });
  await start(t);
  assert.deepEqual(await complete(open(kCircle, 'file:///repo/generated/circle.py')), []);
  assert.ok((await complete(open())).length > 0);
});

test('a folder that joins the workspace is remembered, and no longer once it leaves', async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'octet-folder-'));
  t.after(() => rmSync(scratch, { recursive: true }));
  const folder = join(scratch, 'project'); // the model sees the folder's name: not a random one
  mkdirSync(folder);
  writeFileSync(join(folder, 'other.py'), 'def zygote_quorum_factor(vexing_parameter):\n    return vexing_parameter\n'.repeat(20));
  user.setFolders([]);
  const client = await start(t);
  const document = open('x = zygote_quorum_', `file://${folder}/here.py`);
  const comesFromFolder = async () => {
    await complete(document);
    const { sources } = await client.sendRequest('octet/explain');
    return (sources ?? []).some(({ file }) => file === 'other.py');
  };
  user.setFolders([folder]);
  await until(comesFromFolder, 'a completion from the folder');
  user.setFolders([]);
  assert.equal(await comesFromFolder(), false);
});

test('a client that asks for it hears the text as it grows', async (t) => {
  const [partials, listen] = collect('octet/inlineCompletionPartial');
  await start(t, { options: { octet: { streaming: true } }, prepare: listen });
  const document = open();
  const items = await complete(document);
  await until(() => partials.some(({ done }) => done), 'the last part');
  const [{ requestId }] = partials;
  partials.forEach((partial, i) => {
    assert.equal(partial.uri, document.uri.toString());
    assert.equal(partial.version, document.version);
    assert.equal(partial.requestId, requestId);
    assert.equal(partial.sequence, partials[0].sequence + i, 'numbered without holes');
    if (i > 0) assert.ok(partial.text.startsWith(partials[i - 1].text), 'the text is cumulative');
    assert.equal(partial.done, i === partials.length - 1);
  });
  assert.ok(items[0].insertText.endsWith(partials.at(-1).text) || partials.at(-1).text.endsWith(items[0].insertText));
});

test('a stock client hears no parts', async (t) => {
  const [partials, listen] = collect('octet/inlineCompletionPartial');
  await start(t, { prepare: listen });
  assert.ok((await complete(open())).length > 0);
  assert.deepEqual(partials, []);
});

test('a cancelled completion ends its parts', async (t) => {
  const [partials, listen] = collect('octet/inlineCompletionPartial');
  await start(t, { options: { octet: { streaming: true } }, prepare: listen });
  const document = open();
  const source = new vscode.CancellationTokenSource();
  const answer = complete(document, undefined, { token: source.token });
  source.cancel();
  assert.ok([null, undefined].includes(await answer));
  const n_parts = partials.length;
  assert.ok((await complete(document)).length > 0);
  const first = partials[0]?.requestId;
  const late = partials.slice(n_parts).filter(({ requestId }) => n_parts > 0 && requestId === first);
  assert.deepEqual(late, []);
});

test('loading the model is shown as progress only until it is loaded', async (t) => {
  await start(t);
  assert.ok((await complete(open())).length > 0);
  // A model that is there before the editor has made room for the progress shows none.
  await until(() => user.record.progress.every(({ is_done }) => is_done), 'the end of the progress');
});

test('the status tells the state, the model and why nothing was offered', async (t) => {
  const client = await start(t);
  await complete(open());
  const status = await client.sendRequest('octet/status');
  assert.equal(status.state, 'ready');
  for (const name of ['device', 'message']) assert.equal(typeof status[name], 'string', name);
  assert.match(status.model.sha256, /^[0-9a-f]{64}$/);
  assert.ok('lastReason' in status);
  assert.equal(typeof status.stats, 'object');
});
