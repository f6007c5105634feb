// The picture of README.md: ghost text of several lines in a file that somebody wrote. Comes last: its window has a server of its own.
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { artefact, ask, code, isReady, kRouter, press, sample, saved, type } from './fixture.mjs';

const kMaxBytes = 150_000;
// The method that is to be suggested, and what stands behind it.
const [kMethod, kRest] = sample('router.js').slice(kRouter.length).split(/(?<=\n)\n(?= {2}handle)/);
const kSettings = {
  'workbench.colorTheme': 'Default Dark Modern',
  'editor.stickyScroll.enabled': false,
  'editor.scrollbar.vertical': 'hidden',
  'editor.scrollbar.horizontal': 'hidden',
  'editor.overviewRulerBorder': false,
  'breadcrumbs.enabled': false,
};

test('the picture of README.md shows what is then taken', async () => {
  const before = kRouter.slice(0, -1);
  writeFileSync(join(code.workspace, 'router.js'), `${before}\n${kRest}`);
  code.set(kSettings);
  const first = code.page;
  code.page = await code.openWindow({ viewport: { width: 700, height: 430 }, deviceScaleFactor: 2 });
  await first.close();
  await press('Control+b'); // the side bar
  await code.open('router.js');
  await isReady();
  await press('Control+g');
  await type(String(before.split('\n').length - 1));
  await press('Enter');
  await press('End');
  await press('Enter');
  await press('Enter'); // the editor indents
  await type('p');
  const ghost = await ask();
  assert.equal(`p${ghost}`, kMethod.trim());
  const file = artefact('ghost_text.png');
  await code.page.locator('.part.editor').screenshot({ path: file });
  assert.ok(statSync(file).size < kMaxBytes, `${statSync(file).size} bytes`);
  await press('Tab');
  assert.ok((await saved('router.js')).startsWith(`${before}\n  p${ghost}\n`));
});
