// The whole extension with the real server.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configure, items, kCircle, kFolder, open, record, start, startReady, type, until, vscode } from './editor';

const kManifest = JSON.parse(readFileSync(join(kFolder, 'package.json'), 'utf8'));

async function statistics(editor: Awaited<ReturnType<typeof startReady>>): Promise<string> {
  editor.log.length = 0;
  await vscode.commands.executeCommand('octet.statistics.show');
  return editor.log.join('\n');
}

/** A program in place of the server. */
function script(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'octet-vscode-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'octet');
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

test('ghost text comes, by one provider, and continues the word', async (t) => {
  await startReady(t);
  const document = open();
  const [item] = await items(document);
  assert.ok(item, 'nothing is offered');
  assert.ok(item.insertText.length > 0);
  assert.equal(record.providers.length, 1, 'the client library registers none of its own');
});

test('typing what was suggested is answered without a question, with the same text', async (t) => {
  const editor = await startReady(t);
  const document = open();
  const [item] = await items(document, { isInvoked: true });
  assert.ok(item && item.insertText.length > 4, 'nothing is offered');
  const asked = /asked +(\d+)/.exec(await statistics(editor))![1];
  const end = document.getText().length;
  for (let n = 1; n < item.insertText.length; ++n) {
    type(document, item.insertText[n - 1]!);
    const [again] = await items(document);
    assert.equal(again?.insertText, item.insertText);
    assert.equal(document.offsetAt(again.range.start), end);
    assert.equal(document.offsetAt(again.range.end), end + n);
  }
  assert.equal(/asked +(\d+)/.exec(await statistics(editor))![1], asked, 'the server was asked');
});

test('taking an item, a word of it, and seeing it are counted', async (t) => {
  const editor = await startReady(t);
  const document = open();
  const [item] = await items(document);
  assert.ok(item);
  await until(async () => /shown +1/.test(await statistics(editor)), 'the count of shown items');
  editor.onCommand.set('editor.action.inlineSuggest.acceptNextWord', () => type(document, item.insertText.slice(0, 3)));
  await vscode.commands.executeCommand('octet.acceptWord');
  await until(async () => /taken partly +1/.test(await statistics(editor)), 'the count of items that were taken partly');
  await vscode.commands.executeCommand(item.command.command, ...item.command.arguments);
  await until(async () => /taken whole +1/.test(await statistics(editor)), 'the count of items that were taken');
});

test('a word that the editor did not take is not counted', async (t) => {
  const editor = await startReady(t);
  assert.ok((await items(open())).length > 0);
  await vscode.commands.executeCommand('octet.acceptLine');
  assert.match(await statistics(editor), /taken partly +0/);
});

test('who asks gets several, and the same ones again while typing', async (t) => {
  await startReady(t);
  const document = open('import os\n\ndef main():\n    ');
  const several = await items(document, { isInvoked: true });
  assert.ok(several.length >= 2, `${several.length} items`);
  assert.deepEqual((await items(document, { isInvoked: true })).map(({ insertText }) => insertText), several.map(({ insertText }) => insertText));
});

test('behind the list of suggestions the text goes on from the one that is selected', async (t) => {
  const editor = await startReady(t);
  const document = open(kCircle + 'ra');
  const range = new vscode.Range(document.positionAt(kCircle.length), document.positionAt(kCircle.length + 2));
  const selected = { range, text: 'radius' };
  const given = await items(document, { selected, isInvoked: true });
  assert.ok(given.length > 0, 'nothing is offered');
  for (const item of given) {
    assert.ok(item.insertText.startsWith('radius') && item.insertText.length > 6, item.insertText);
    assert.deepEqual(item.range, range);
  }
  const takes = given[0]!.insertText.slice(2, 8);
  editor.onCommand.set('editor.action.inlineSuggest.acceptNextWord', () => type(document, takes));
  await vscode.commands.executeCommand('octet.acceptWord');
  await until(async () => /taken partly +1/.test(await statistics(editor)), 'the count of items that were taken partly');
});

test('a question that was cancelled gives nothing, and the next one is answered', async (t) => {
  await startReady(t);
  const document = open();
  const source = new vscode.CancellationTokenSource();
  const cancelled = items(document, { token: source.token });
  source.cancel();
  assert.deepEqual(await cancelled, []);
  assert.ok((await items(document)).length > 0);
});

test('fast keys: the last question has its answer, which fits the document', async (t) => {
  await startReady(t);
  const document = open('class Circle:\n    def __init__(self, radius):\n        self.radius = radius\n');
  const asked = [];
  let source = new vscode.CancellationTokenSource();
  for (const key of '\n    def area(self):\n        return self.') {
    source.cancel();
    source = new vscode.CancellationTokenSource();
    type(document, key);
    asked.push(items(document, { token: source.token }));
  }
  const last = (await Promise.all(asked)).at(-1)!;
  assert.ok(last.length > 0);
});

test('a setting counts at once, and those of the extension are kept from the server', async (t) => {
  const editor = await startReady(t);
  const document = open();
  assert.ok((await items(document)).length > 0);
  await vscode.commands.executeCommand('octet.toggle');
  await until(() => /circle-slash/.test(editor.status.text), 'a status of a server that is off');
  assert.deepEqual(await items(document), []);
  await vscode.commands.executeCommand('octet.toggle');
  await until(() => /ready/.test(editor.status.tooltip), 'a server that is on again');
  assert.ok((await items(document)).length > 0);
  assert.deepEqual(record.messages, [], 'the server complains of nothing');
});

test('a language is turned off and on by command', async (t) => {
  const editor = await startReady(t);
  const document = open();
  await vscode.commands.executeCommand('octet.toggleLanguage');
  await until(async () => (await items(document)).length === 0, 'silence');
  assert.match(editor.status.tooltip, /off for python/);
  await vscode.commands.executeCommand('octet.toggleLanguage');
  await until(async () => (await items(document)).length > 0, 'a completion');
});

test('the status bar shows device and latency, and why there is nothing', async (t) => {
  const editor = await startReady(t);
  assert.ok((await items(open())).length > 0);
  assert.match(editor.status.tooltip, /Device: cpu.*\nLast completion: [\d.]+ ms/);
  await items(open('TOKEN=', 'file:///repo/.env'));
  await until(() => /secret/.test(editor.status.tooltip), 'the reason for silence');
  assert.ok((await items(open())).length > 0);
  assert.match(editor.status.tooltip, /^Octet: ready/);
});

test('a server that was killed comes back and completes', async (t) => {
  const editor = await startReady(t);
  const document = open();
  assert.ok((await items(document)).length > 0);
  const pid = (await children()).at(-1)!;
  process.kill(pid, 'SIGKILL');
  await until(() => /started/.test(editor.status.tooltip), 'the news of its end');
  await until(() => /ready/.test(editor.status.tooltip), 'another server');
  assert.ok(editor.log.some((line) => /killed by SIGKILL/.test(line)));
  type(document, 'x');
  await until(async () => (await items(document, { isInvoked: true })).length > 0, 'a completion');
});

test('a server that dies at every start is left alone after four restarts, with its last words', async (t) => {
  const file = script(t, '[ "$1" = --version ] && echo octet 0.1.0 && exit\necho started >> "$0.log"\necho no model today >&2\nexit 3');
  const editor = await start(t, { serverPath: file });
  await until(() => /error/.test(editor.status.text), 'giving up');
  await until(() => record.messages.length > 0, 'a message');
  assert.match(editor.status.tooltip, /exit code 3: no model today/);
  const n_starts = readFileSync(`${file}.log`, 'utf8').split('\n').length - 1;
  assert.ok(n_starts >= 1 && n_starts <= 5, `${n_starts} starts`);
});

test('a server that lives for a while and dies is started five times', async (t) => {
  const octet = process.env['OCTET_BIN'];
  const file = script(t, `[ "$1" = --version ] && echo octet 0.1.0 && exit\necho started >> "$0.log"\ntimeout 0.4 ${octet} "$@"\nexit 5`);
  const editor = await start(t, { serverPath: file });
  await until(() => /error/.test(editor.status.text), 'giving up');
  assert.match(editor.status.tooltip, /exit code 5.*4 times in 3 minutes/);
  assert.equal(readFileSync(`${file}.log`, 'utf8').split('\n').length - 1, 5);
});

test('without a server the reason is shown, and naming one starts it', async (t) => {
  const editor = await start(t, { serverPath: '/no/such/octet' });
  await until(() => /does not exist/.test(editor.status.tooltip), 'the reason');
  assert.deepEqual(await items(open()), []);
  configure({ serverPath: process.env['OCTET_BIN'], minConfidence: 0 });
  await until(() => /ready/.test(editor.status.tooltip), 'a server');
});

test('another server that is named takes the place of the one that runs, without a complaint', async (t) => {
  const editor = await startReady(t);
  const file = script(t, `exec ${process.env['OCTET_BIN']} "$@"`);
  configure({ serverPath: file, minConfidence: 0 });
  await until(() => editor.log.some((line) => line.includes(file)), 'the other server');
  await until(() => /ready/.test(editor.status.tooltip), 'a server that is ready');
  assert.ok((await items(open())).length > 0);
  assert.deepEqual(record.messages, []);
});

test('restarting by command gives another process, and stopping leaves none', async (t) => {
  const editor = await startReady(t);
  const before = await children();
  await vscode.commands.executeCommand('octet.restart');
  await until(() => /ready/.test(editor.status.tooltip), 'a server');
  const now = await children();
  assert.equal(now.length, before.length);
  assert.notDeepEqual(now, before);
});

test('a restart while a killed server comes back leaves one', async (t) => {
  const editor = await startReady(t);
  const before = await children();
  process.kill(before.at(-1)!, 'SIGKILL');
  await until(() => /started/.test(editor.status.tooltip), 'the news of its end');
  await vscode.commands.executeCommand('octet.restart');
  await until(() => /ready/.test(editor.status.tooltip), 'a server');
  await until(async () => (await children()).length <= before.length, 'the end of the other server');
  assert.ok((await items(open())).length > 0);
});

test('a server whose first word on its state is lost is not taken for one that starts', async (t) => {
  const file = script(t, `[ "$1" = --version ] && exec ${process.env['OCTET_BIN']} --version\nexec ${process.execPath} "$0.js" "$@"`);
  // The question gets another name, once, and the wish to be told goes as well.
  writeFileSync(
    `${file}.js`,
    `const server = require('child_process').spawn(process.env.OCTET_BIN, process.argv.slice(2), { stdio: ['pipe', 'inherit', 'inherit'] });
    let isFirst = true;
    process.stdin.on('data', (data) => {
      const text = data.toString('latin1').replaceAll('"status":true', '"nobody":1   ');
      const changed = isFirst ? text.replace('"octet/status"', '"octet/nobody"') : text;
      isFirst = isFirst && changed === text;
      server.stdin.write(changed, 'latin1');
    }).on('end', () => server.stdin.end());
    server.on('exit', (code) => process.exit(code ?? 1));`,
  );
  const editor = await start(t, { serverPath: file });
  await until(() => editor.log.some((line) => /asking for the state/.test(line)), 'the question that failed');
  const document = open();
  await until(async () => (await items(document, { isInvoked: true })).length > 0, 'a completion');
  await until(() => /ready/.test(editor.status.tooltip), 'the state');
});

test('a benchmark tells round trips and the server\'s own times, and can be stopped', async (t) => {
  const editor = await startReady(t);
  vscode.workspace.asRelativePath = () => 'src/circle.py';
  open();
  await vscode.commands.executeCommand('octet.benchmarkHere');
  const report = editor.log.join('\n');
  assert.match(report, /in src\/circle\.py/);
  assert.match(report, /answers +30 of 30, \d+ of them with text/);
  const [, trip, own] = /answer +([\d.]+).*\n.*own +([\d.]+)/.exec(report) ?? [];
  assert.ok(Number(own) > 0 && Number(own) <= Number(trip), report);
  assert.match(report, /device +cpu/);

  const { withProgress } = vscode.window;
  t.after(() => (vscode.window.withProgress = withProgress));
  vscode.window.withProgress = (_: unknown, task: any) => {
    const source = new vscode.CancellationTokenSource();
    return task({ report: ({ message }: { message: string }) => message.startsWith('3 ') && source.cancel() }, source.token);
  };
  editor.log.length = 0;
  await vscode.commands.executeCommand('octet.benchmarkHere');
  assert.match(editor.log.join('\n'), /answers +[23] of 30 \(stopped\)/);
});

test('the reports of explain and doctor are shown', async (t) => {
  const editor = await startReady(t);
  assert.ok((await items(open())).length > 0);
  await vscode.commands.executeCommand('octet.explain');
  assert.match(editor.log.join('\n'), /The last completion: "/);
  await vscode.commands.executeCommand('octet.doctor');
  assert.ok(editor.log.some((line) => /model/i.test(line)));
});

test('every command of the manifest is there, and its keys belong to commands', async (t) => {
  await startReady(t);
  const declared: string[] = kManifest.contributes.commands.map(({ command }: { command: string }) => command);
  for (const command of declared) assert.ok(record.commands.has(command), command);
  for (const { command } of kManifest.contributes.keybindings) assert.ok(declared.includes(command), command);
  for (const { when, key } of kManifest.contributes.keybindings) {
    assert.ok(/inlineSuggestionVisible/.test(when) && key !== 'tab', `${key} is only taken where ghost text is concerned`);
  }
});

/** The processes that this one started. */
async function children(): Promise<number[]> {
  const list = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return list.split(' ').filter((pid) => pid !== '').map(Number);
}
