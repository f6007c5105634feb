// When ghost text is there, and when it is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, code, kCircle, kRouter, openNew, picture, press, saved, type, typeUntilGhost } from './fixture.mjs';

/** Looks at every frame, until it is called again: how many had no ghost text, and how many there were. */
async function watchFrames() {
  await code.page.evaluate(() => {
    const watch = (window.octetWatch = { n_frames: 0, n_empty: 0, isOver: false });
    const look = () => {
      if (watch.isOver) return;
      watch.n_frames += 1;
      if (document.querySelector('.editor-instance [class*="ghost-text-decoration"]') === null) watch.n_empty += 1;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  return () => code.page.evaluate(() => ((window.octetWatch.isOver = true), window.octetWatch));
}

test('ghost text comes by itself, and is there in every frame while it is typed', async () => {
  const name = await openNew();
  code.set({ 'editor.quickSuggestions': { other: 'off' } }); // its list has ghost text of its own
  const ghost = await typeUntilGhost();
  const n = Math.min(ghost.length - 1, 6);
  const end = await watchFrames();
  for (const key of ghost.slice(0, n)) {
    await type(key);
    await code.page.waitForTimeout(90); // a frame or more between keys, and the editor's own questions
    assert.notEqual(await code.ghost(), '', `gone after '${key}' of '${ghost}'`);
  }
  const { n_frames, n_empty } = await end();
  assert.ok(n_frames > n, `${n_frames} frames`);
  code.set({});
  assert.equal(n_empty, 0, `frames of ${n_frames} without ghost text while ${n} of '${ghost}' were typed`);
  assert.ok((await saved(name)).startsWith(`${kCircle}    def peri${ghost.slice(0, n)}`));
});

test('a key that was not suggested takes the ghost text away at once, and what comes next fits the document', async () => {
  const name = await openNew();
  const ghost = await typeUntilGhost();
  const other = ghost.startsWith('o') ? 'x' : 'o';
  await type(other);
  assert.notEqual(await code.ghost(), ghost);
  await type('d_of(self):');
  await press('Enter');
  const text = await code.untilGhost();
  await press('Tab');
  assert.ok((await saved(name)).startsWith(`${kCircle}    def peri${other}d_of(self):\n        ${text.split('\n')[0]}`));
});

test('Escape takes the ghost text away, and it does not come back by itself', async () => {
  const name = await openNew();
  await typeUntilGhost();
  await press('Escape'); // of the list of suggestions, if that is open
  await press('Escape');
  await code.untilNoGhost();
  const end = await watchFrames();
  await code.page.waitForTimeout(500);
  const { n_frames, n_empty } = await end();
  assert.equal(n_empty, n_frames, 'frames with ghost text after Escape');
  assert.equal(await saved(name), `${kCircle}    def peri`);
});

test('who asks can go through several suggestions, and takes the one that is seen', async () => {
  const name = await openNew();
  await type('    def ');
  const first = await ask();
  await press('Alt+]');
  await code.until(async () => !['', first].includes(await code.ghost()), 'another suggestion');
  await picture('another');
  await press('Alt+[');
  await code.until(async () => (await code.ghost()) === first, 'the first one again');
  await press('Alt+]');
  await code.until(async () => !['', first].includes(await code.ghost()), 'the other one again');
  const second = await code.ghost();
  await press('Tab');
  assert.equal(await saved(name), `${kCircle}    def ${second}`);
});

test('two files have their own ghost text', async () => {
  const [one, other] = [await openNew(), await openNew(kRouter, 'js')];
  await type('  ');
  const ofOther = await ask();
  await code.open(one);
  await code.untilNoGhost();
  const ofOne = await typeUntilGhost();
  assert.notEqual(ofOne, ofOther);
  await code.open(other);
  await code.untilNoGhost();
  const again = await ask();
  await press('Tab');
  assert.equal(await saved(other), `${kRouter}  ${again}`);
  await code.open(one);
  assert.equal(await saved(one), `${kCircle}    def peri`);
});
