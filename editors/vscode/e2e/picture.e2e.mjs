// The picture of README.md: somebody writes a second router, and the workspace knows the first. Comes last: its window has a server of its
// own, and its workspace has what the other tests must not know.
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { artefact, ask, code, isReady, kRouter, press, sample, saved } from './fixture.mjs';

const kName = 'admin_router.js';
const kMaxBytes = 150_000;
const kSettings = {
  'workbench.colorTheme': 'Default Dark Modern',
  'breadcrumbs.enabled': false,
  'workbench.editor.showTabs': 'single',
  'editor.stickyScroll.enabled': false,
  'editor.scrollbar.vertical': 'hidden',
  'editor.scrollbar.horizontal': 'hidden',
  'editor.overviewRulerBorder': false,
  'editor.lightbulb.enabled': 'off',
  'javascript.validate.enable': false,
};

test('the picture of README.md shows what is then taken', async () => {
  writeFileSync(join(code.workspace, 'router.js'), sample('router.js'));
  writeFileSync(join(code.workspace, kName), kRouter);
  code.set(kSettings);
  const first = code.page;
  code.page = await code.openWindow({ viewport: { width: 700, height: 380 }, deviceScaleFactor: 2 });
  await first.close();
  await press('Control+b'); // the side bar
  await code.open(kName);
  await isReady();
  await code.page.keyboard.type('  ');
  const method = /(post.*?\n {2}\})/s.exec(sample('router.js'))[1];
  let ghost = '';
  // An answer has two seconds, which a busy machine may need for less than all of it: then it is asked for again.
  await code.until(async () => {
    await code.page.keyboard.type(' ');
    await press('Backspace');
    return (ghost = await ask()) === method;
  }, 'the method of the other router');
  for (let n = 0; n < 3; ++n) await press('Control+ArrowDown'); // scrolls
  const file = artefact('ghost_text.png');
  await code.page.locator('.part.editor').screenshot({ path: file });
  assert.ok(statSync(file).size < kMaxBytes, `${statSync(file).size} bytes`);
  assert.equal(await code.ghost(), method);
  await press('Tab');
  assert.equal(await saved(kName), `${kRouter}  ${ghost}`);
});
