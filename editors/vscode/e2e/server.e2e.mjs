// What turns Octet off, and what its server's end does to who types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, code, isReady, kCircle, kRouter, openNew, press, saved, servers, type, typeUntilGhost } from './fixture.mjs';

/** Whether ghost text is seen in the next frames. */
async function staysEmpty() {
  await code.page.waitForTimeout(600);
  return (await code.ghost()) === '';
}

test('a language that is turned off by command has no ghost text, the others have, and the status bar says so', async () => {
  const name = await openNew();
  await code.run('Octet: Turn Completions On or Off for This Language');
  await code.untilStatus(/Octet: off for python/);
  await code.focus();
  await type('    def peri');
  assert.ok(await staysEmpty(), await code.ghost());
  await openNew(kRouter, 'js');
  await type('  ');
  await ask();
  await code.open(name);
  await code.run('Octet: Turn Completions On or Off for This Language');
  await isReady();
  await code.focus();
  const ghost = await typeUntilGhost('m');
  assert.equal(await saved(name), `${kCircle}    def perim`);
  assert.match(ghost, /^e/);
});

test('a language and files that the settings turn off have no ghost text, and have it again at once', async () => {
  const name = await openNew();
  code.set({ 'octet.disabledLanguages': ['python'] });
  await code.untilStatus(/Octet: off for python/);
  await type('    def pe');
  assert.ok(await staysEmpty(), await code.ghost());
  code.set({ 'octet.disabledGlobs': ['*.py'] });
  await isReady();
  await type('r');
  await code.untilStatus(/Octet: nothing to show, .*disabledGlobs/);
  assert.ok(await staysEmpty(), await code.ghost());
  code.set({});
  await code.until(async () => {
    await code.run('Octet: Suggest a Completion'); // until the editor has read the file
    return !(await staysEmpty());
  }, 'ghost text');
  const ghost = await code.untilGhost();
  await press('Tab');
  assert.ok((await saved(name)).startsWith(`${kCircle}    def per${ghost}`));
});

test('a secret file has no ghost text, and the status bar says why', async () => {
  await openNew('KEY = "abc"\nPASSWORD = "def"\n', 'pem');
  await type('KEY');
  await code.untilStatus(/Octet: nothing to show, .*secret/i);
  assert.ok(await staysEmpty(), await code.ghost());
});

test('a server that is killed while someone types takes no key with it, comes back, and completes', async () => {
  const name = await openNew();
  const [killed, ...others] = servers();
  assert.ok(killed > 0 && others.length === 0, 'one server runs, the one of the extension');
  const text = '    # a comment of some length, so that the server ends in the middle of it and starts in the middle of it';
  await code.page.keyboard.type(text.slice(0, 30), { delay: 20 });
  process.kill(killed, 'SIGKILL');
  await code.page.keyboard.type(text.slice(30), { delay: 20 });
  await code.until(() => servers().some((pid) => pid !== killed), 'another server');
  await isReady();
  await press('Enter');
  await type('def peri');
  const ghost = await ask();
  await press('Tab');
  assert.ok((await saved(name)).startsWith(`${kCircle}${text}\n    def peri${ghost}`));
});
