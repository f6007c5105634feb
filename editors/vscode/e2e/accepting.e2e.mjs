// Taking ghost text: what was seen is what the document then holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { artefact, ask, code, kCircle, kRouter, openNew, picture, press, saved, type, typeUntilGhost } from './fixture.mjs';

test('Tab takes all of the ghost text, as it was seen, and one undo takes it back', async () => {
  const name = await openNew();
  await type('    def perimeter(self):');
  await press('Enter'); // the editor indents
  await type('return 2 * 3.14 * self.');
  const typed = `${kCircle}    def perimeter(self):\n        return 2 * 3.14 * self.`;
  const ghost = await ask();
  await picture('ghost-text');
  await press('Tab');
  await code.until(async () => !(await code.ghost()).startsWith(ghost), 'the text to be taken');
  const taken = await saved(name);
  assert.ok(taken.startsWith(typed + ghost), `${JSON.stringify(taken.slice(typed.length))} for ${JSON.stringify(ghost)}`);
  await press('Control+z');
  assert.equal(await saved(name), typed);
});

test('ghost text of several lines is taken as it was seen', async () => {
  const name = await openNew(kRouter, 'js');
  await type('  ');
  const ghost = await ask();
  assert.ok(ghost.includes('\n'), `one line: '${ghost}'`);
  await code.page.locator('.editor-instance').first().screenshot({ path: artefact('several-lines.png') });
  await press('Tab');
  assert.equal(await saved(name), `${kRouter}  ${ghost}`);
  await press('Control+z');
  assert.equal(await saved(name), `${kRouter}  `);
});

test('a word is taken by Ctrl+Right, and the rest stays', async () => {
  const name = await openNew();
  const ghost = await typeUntilGhost();
  await press('Control+ArrowRight');
  await code.until(async () => (await code.ghost()) !== ghost, 'a word to be taken');
  const left = await code.ghost();
  const taken = (await saved(name)).slice(`${kCircle}    def peri`.length);
  assert.ok(taken.length > 0 && left.length > 0, `'${taken}' and '${left}' of '${ghost}'`);
  assert.ok((taken + left).startsWith(ghost), `'${taken}' and '${left}' of '${ghost}'`);
  await code.run('Octet: Show Statistics');
  await code.until(async () => /taken partly\s+[1-9]/.test(await code.panel()), 'the count of items that were taken partly');
});

test('a line is taken by Ctrl+Alt+Right, and the further lines stay', async () => {
  const name = await openNew(kRouter, 'js');
  await type('  ');
  const ghost = await ask();
  const [first] = ghost.split('\n', 1);
  await press('Control+Alt+ArrowRight');
  await code.until(async () => (await code.ghost()) !== ghost, 'a line to be taken');
  const left = await code.ghost();
  const taken = (await saved(name)).slice(kRouter.length + 2);
  assert.equal(taken.trimEnd(), first);
  assert.ok(left.trim() !== '' && ghost.endsWith(left.trimStart()), `'${left}' is left of '${ghost}'`);
});

test('what is taken in a file with CRLF has CRLF, and none is seen', async () => {
  const before = kRouter.replaceAll('\n', '\r\n');
  const name = await openNew(before, 'js');
  await type('  ');
  const ghost = await ask();
  assert.match(ghost, /\n/, 'several lines');
  assert.doesNotMatch(ghost, /[\r\u240d]/);
  await press('Tab');
  assert.equal(await saved(name), `${before}  ${ghost.replaceAll('\n', '\r\n')}`);
});

test('a bracket that the editor closes by itself does not end what is suggested, and is not doubled', async () => {
  const name = await openNew();
  await typeUntilGhost('    def per');
  await type('imeter(', 60);
  assert.match(await code.untilGhost(), /^self/);
  await ask();
  await press('Tab');
  const line = (await saved(name)).slice(kCircle.length).split('\n')[0];
  assert.match(line, /^ {4}def perimeter\(self\):?$/);
});

test('Tab indents where there is no ghost text, and belongs to the list of suggestions while that is open', async () => {
  const name = await openNew();
  code.set({ 'octet.enabled': false });
  await code.untilStatus(/Octet: .*off/);
  await press('Tab');
  assert.equal(await saved(name), `${kCircle}    `);
  await type('diam', 30);
  await code.page.waitForSelector('.suggest-widget.visible .monaco-list-row');
  await press('Tab');
  assert.equal(await saved(name), `${kCircle}    diameter`);
  code.set({});
  await code.untilStatus(/Octet: (ready|nothing)/);
});
