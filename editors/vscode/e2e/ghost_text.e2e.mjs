// Ghost text in a real VS Code, as its user sees it. OCTET_CODE_SERVER is the folder that install.sh made, OCTET_VSIX the extension,
// OCTET_SCREENSHOTS a folder for pictures.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { CodeServer } from './code_server.mjs';

const kHead = `class Circle:
    def __init__(self, radius):
        self.radius = radius

    def diameter(self):
        return 2 * self.radius

    def area(self):
        return 3.14 * self.radius * self.radius

`;
/** The processes of the server that is in the extension. */
function servers() {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line.includes(code.root) && line.includes('server/octet lsp'));
  return lines.map((line) => Number.parseInt(line, 10));
}

const kTyped = '    def perimeter(self):\n        return 2 * 3.14 * self.';

let code;

before(async () => {
  code = await CodeServer.start({
    folder: process.env.OCTET_CODE_SERVER,
    vsix: process.env.OCTET_VSIX,
    files: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`circle${i}.py`, kHead])),
  });
  await code.open('circle0.py');
  await code.untilStatus(/Octet: (ready|nothing)/);
});

after(() => code?.stop());

afterEach((t) => picture(`end of ${t.name.replaceAll(/[^A-Za-z ]/g, '')}`));

let n_files = 0;
let name;
beforeEach(async () => {
  name = `circle${n_files++}.py`;
  await code.open(name);
});

async function typeLine() {
  // The editor indents by itself.
  await code.page.keyboard.type('    def perimeter(self):', { delay: 15 });
  await code.page.keyboard.press('Enter');
  await code.page.keyboard.type('return 2 * 3.14 * self.', { delay: 15 });
}

async function saved() {
  const file = join(code.workspace, name);
  const old = readFileSync(file, 'utf8');
  await code.page.keyboard.press('Control+s');
  await code.until(() => readFileSync(file, 'utf8') !== old, 'the file to be saved');
  return readFileSync(file, 'utf8');
}

async function picture(title) {
  await code.page.screenshot({ path: join(process.env.OCTET_SCREENSHOTS, `${title}.png`) });
}

test('ghost text comes while typing, and Tab takes all of it', async () => {
  await typeLine();
  await code.page.keyboard.press('Escape'); // away with the list of suggestions
  await code.run('Octet: Suggest a Completion');
  const ghost = await code.untilGhost();
  await picture('ghost-text');
  await code.page.keyboard.press('Tab');
  await code.until(async () => !(await code.ghost()).includes(ghost), 'the text to be taken');
  const text = await saved();
  assert.ok(text.startsWith(kHead + kTyped + ghost), JSON.stringify(text.slice(kHead.length)));
  await picture('taken');
});

test('ghost text comes by itself, and stays while it is typed', async () => {
  await code.page.keyboard.type('    def peri', { delay: 15 });
  const ghost = await code.untilGhost();
  await code.page.evaluate(() => {
    window.octetGone = 0;
    const look = () => document.querySelector('[class*="ghost-text"]') ?? ++window.octetGone;
    window.octetObserver = new MutationObserver(look);
    window.octetObserver.observe(document.querySelector('.editor-instance .view-lines'), { childList: true, subtree: true });
  });
  const n = Math.min(ghost.length - 1, 5);
  for (const key of ghost.slice(0, n)) {
    await code.page.keyboard.type(key);
    await code.page.waitForTimeout(100);
    assert.ok((await code.ghost()) !== '', `gone after '${key}' of '${ghost}'`);
  }
  const n_gone = await code.page.evaluate(() => (window.octetObserver.disconnect(), window.octetGone));
  assert.equal(n_gone, 0, `changes of the view without ghost text while ${n} of '${ghost}' were typed`);
  await picture('typed-through');
});

test('a word is taken by Ctrl+Right, and the rest stays', async () => {
  await code.page.keyboard.type('    def peri', { delay: 15 });
  const ghost = await code.untilGhost();
  await code.page.keyboard.press('Control+ArrowRight');
  await code.until(async () => (await code.ghost()) !== ghost, 'a word to be taken');
  const text = await saved();
  const taken = text.slice(`${kHead}    def peri`.length).trimEnd();
  assert.ok(taken.length > 0 && ghost.startsWith(taken), `'${taken}' of '${ghost}'`);
  await code.run('Octet: Show Statistics');
  await code.until(async () => /taken partly\s+[12]/.test((await code.page.textContent('.panel')).replaceAll('\u00a0', ' ')), 'the count of items that were taken partly');
  await picture('statistics');
});

test('turned off, nothing is shown, and the status bar says so', async () => {
  await code.run('Octet: Turn Completions On or Off for This Language');
  await code.untilStatus(/Octet: off for python/);
  await code.page.click('.editor-instance .view-lines');
  await code.page.keyboard.press('Control+End');
  await code.page.keyboard.type('    def peri', { delay: 15 });
  await code.page.waitForTimeout(700);
  assert.equal(await code.ghost(), '');
  await code.run('Octet: Turn Completions On or Off for This Language');
  await code.untilStatus(/Octet: (ready|nothing)/);
});

test('a bracket that the editor closes by itself does not end what is suggested', async () => {
  await code.page.keyboard.type('    def per', { delay: 15 });
  await code.untilGhost();
  await code.page.keyboard.type('imeter(', { delay: 60 });
  const ghost = await code.untilGhost();
  await picture('closed-bracket');
  assert.match(ghost, /^self/);
  await code.page.keyboard.press('Escape');
  await code.run('Octet: Suggest a Completion');
  await code.untilGhost();
  await code.page.keyboard.press('Tab');
  const line = (await saved()).slice(kHead.length).split('\n')[0];
  assert.match(line, /^ {4}def perimeter\(self\):?$/, 'no bracket is doubled');
});

test('Tab indents where there is no ghost text, and belongs to the list of suggestions while that is open', async () => {
  await code.run('Octet: Turn Completions On or Off');
  await code.untilStatus(/Octet: Octet is off|Octet: off|is off/);
  await code.page.click('.editor-instance .view-lines');
  await code.page.keyboard.press('Control+End');
  await code.page.keyboard.press('Tab');
  await code.page.keyboard.type('diam', { delay: 30 });
  await code.page.waitForSelector('.suggest-widget.visible .monaco-list-row');
  await code.page.keyboard.press('Tab');
  const text = await saved();
  assert.equal(text, `${kHead}    diameter`);
  await code.run('Octet: Turn Completions On or Off');
  await code.untilStatus(/Octet: (ready|nothing)/);
});

test('who asks can go through several suggestions', async () => {
  await code.page.keyboard.type('    def ', { delay: 15 });
  await code.page.keyboard.press('Escape');
  await code.run('Octet: Suggest a Completion');
  const first = await code.untilGhost();
  await code.page.keyboard.press('Alt+]');
  await code.until(async () => !['', first].includes(await code.ghost()), 'another suggestion');
  await picture('another');
  await code.page.keyboard.press('Alt+[');
  await code.until(async () => (await code.ghost()) === first, 'the first one again');
});

test('a server that was killed comes back, and completes', async () => {
  const [killed, ...others] = servers();
  assert.ok(killed > 0 && others.length === 0, 'one server runs, the one of the extension');
  process.kill(killed, 'SIGKILL');
  await code.until(() => servers().some((pid) => pid !== killed), 'another server');
  await code.untilStatus(/Octet: (ready|nothing)/);
  await code.page.keyboard.type('    def peri', { delay: 15 });
  await code.untilGhost();
});
