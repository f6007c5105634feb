// VS Code in a browser, with an extension installed and a folder open, and nothing of its user's.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

// What takes longer has failed, also on a machine that is busy.
const kLimitMs = Number(process.env.OCTET_LIMIT_MS ?? 30_000);
// Longer than the extension lets text grow before it shows more.
const kQuietMs = 150;
const kBrowserArguments = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const kSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'editor.minimap.enabled': false,
  'editor.cursorBlinking': 'solid',
  'files.autoSave': 'off',
  'security.workspace.trust.enabled': false,
  'window.restoreWindows': 'none',
};

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class CodeServer {
  /** `folder` has code-server; `files` is what the workspace holds. */
  static async start({ folder, vsix, files, settings = {} }) {
    const code = new CodeServer();
    code.root = mkdtempSync(join(tmpdir(), 'octet-editor-'));
    code.workspace = join(code.root, 'workspace');
    const [data, extensions] = [join(code.root, 'data'), join(code.root, 'extensions')];
    for (const each of [code.workspace, join(data, 'User'), extensions]) mkdirSync(each, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(code.workspace, name), text);
    writeFileSync(join(data, 'User', 'settings.json'), JSON.stringify({ ...kSettings, ...settings }));
    code.set({}); // so that the editor watches the file
    const home = { HOME: code.root, XDG_CACHE_HOME: join(code.root, 'cache'), XDG_STATE_HOME: join(code.root, 'state'), XDG_CONFIG_HOME: join(code.root, 'config'), XDG_DATA_HOME: join(code.root, 'share') };
    const environment = { ...process.env, ...home };
    delete environment.OCTET_MODEL; // the one in the extension
    const entry = join(folder, 'node_modules/code-server/out/node/entry.js');
    const common = ['--user-data-dir', data, '--extensions-dir', extensions];
    const installed = spawnSync(process.execPath, [entry, ...common, '--install-extension', vsix], { env: environment, encoding: 'utf8' });
    if (installed.status !== 0) throw new Error(`the extension was not installed: ${installed.stdout}${installed.stderr}`);
    const port = await freePort();
    const options = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'];
    code.child = spawn(process.execPath, [entry, ...common, ...options, code.workspace], { env: environment, stdio: 'pipe', detached: true });
    code.log = '';
    for (const stream of [code.child.stdout, code.child.stderr]) stream.setEncoding('utf8').on('data', (text) => (code.log += text));
    await code.until(() => code.log.includes('HTTP server listening'), 'code-server');
    code.browser = await chromium.launch({ executablePath: process.env.OCTET_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: kBrowserArguments });
    code.address = `http://127.0.0.1:${port}/?folder=${code.workspace}`;
    code.page = await code.openWindow({ viewport: { width: 1100, height: 900 } });
    return code;
  }

  /** Another window on the same folder. */
  async openWindow(options) {
    const page = await this.browser.newPage(options);
    page.setDefaultTimeout(kLimitMs);
    await page.goto(this.address);
    await page.waitForSelector('.monaco-workbench .statusbar', { timeout: 60_000 });
    return page;
  }

  async stop() {
    await this.browser?.close();
    if (this.child?.pid !== undefined) process.kill(-this.child.pid, 'SIGTERM');
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async open(name) {
    await this.page.keyboard.press('Control+p');
    await this.page.waitForSelector('.quick-input-widget input');
    await this.page.keyboard.type(name);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused[aria-label*="${name}"]`);
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector('.quick-input-widget', { state: 'hidden' });
    await this.page.waitForSelector(`.editor-instance[aria-label*="${name}"], .tab.active[data-resource-name="${name}"]`);
    await this.focus();
  }

  /** Puts the cursor at the document's end. */
  async focus() {
    await this.page.click('.editor-instance .view-lines');
    await this.page.keyboard.press('Control+End');
  }

  /** The workspace's settings: these and no others. */
  set(settings) {
    mkdirSync(join(this.workspace, '.vscode'), { recursive: true });
    writeFileSync(join(this.workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
  }

  async run(command) {
    await this.page.keyboard.press('F1');
    await this.page.waitForSelector('.quick-input-widget input');
    await this.page.keyboard.type(command);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused[aria-label^="${command}"]`);
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector('.quick-input-widget', { state: 'hidden' });
  }

  /** The ghost text as it is seen, blanks as plain ones. Behind an entry of the list of suggestions it has another class. */
  async ghost() {
    const texts = await this.page.evaluate(() => {
      const editor = document.querySelector('.editor-instance');
      const inLine = [...editor.querySelectorAll('[class*="ghost-text-decoration"]')].map((node) => node.textContent).join('');
      return [inLine, ...[...editor.querySelectorAll('.suggest-preview-text .view-line')].map((node) => node.textContent)];
    });
    return texts.join('\n').replaceAll(/[\u00a0\u00b7]/g, ' ');
  }

  /** Text that grows no more: the lines of a text come in different frames, and the text in several parts. */
  async untilGhost(what = 'ghost text') {
    let [text, since] = ['', 0];
    await this.until(async () => {
      const now = await this.ghost();
      if (now !== text) [text, since] = [now, performance.now()];
      return text !== '' && performance.now() - since > kQuietMs;
    }, what);
    return text;
  }

  async untilNoGhost() {
    await this.until(async () => (await this.ghost()) === '', 'the ghost text to go');
  }

  async isDirty() {
    return (await this.page.$('.tab.active.dirty')) !== null;
  }

  /** The text of the panel below the editor. */
  async panel() {
    return (await this.page.textContent('.panel')).replaceAll('\u00a0', ' ');
  }

  async untilStatus(pattern) {
    const label = () => this.page.$$eval('.statusbar-item', (nodes) => nodes.map((node) => node.getAttribute('aria-label') ?? node.textContent).join('\n'));
    await this.until(async () => pattern.test(await label()), `a status like ${pattern}`);
  }

  /** Waits for what an event elsewhere makes true. */
  async until(holds, what, limitMs = kLimitMs) {
    const end = Date.now() + limitMs;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
