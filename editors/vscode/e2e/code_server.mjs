// VS Code in a browser, with an extension installed and a folder open, and nothing of its user's.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

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
    await code.#until(() => code.log.includes('HTTP server listening'), 'code-server');
    code.browser = await chromium.launch({ executablePath: process.env.OCTET_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: kBrowserArguments });
    code.page = await code.browser.newPage({ viewport: { width: 1100, height: 900 } });
    await code.page.goto(`http://127.0.0.1:${port}/?folder=${code.workspace}`);
    await code.page.waitForSelector('.monaco-workbench .statusbar', { timeout: 60_000 });
    return code;
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
    await this.page.click('.editor-instance .view-lines');
    await this.page.keyboard.press('Control+End');
  }

  async run(command) {
    await this.page.keyboard.press('F1');
    await this.page.waitForSelector('.quick-input-widget input');
    await this.page.keyboard.type(command);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused[aria-label^="${command}"]`);
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector('.quick-input-widget', { state: 'hidden' });
  }

  /** The first line of the ghost text as it is seen, blanks as plain ones. Behind an entry of the list of suggestions it has another class. */
  async ghost() {
    const texts = await this.page.$$eval('.editor-instance [class*="ghost-text-decoration"]', (nodes) => nodes.map((node) => node.textContent));
    return texts.join('').replaceAll('\u00a0', ' ').replaceAll('\u00b7', ' ');
  }

  async untilGhost(what = 'ghost text') {
    await this.#until(async () => (await this.ghost()) !== '', what);
    return this.ghost();
  }

  async untilStatus(pattern) {
    const label = () => this.page.$$eval('.statusbar-item', (nodes) => nodes.map((node) => node.getAttribute('aria-label') ?? node.textContent).join('\n'));
    await this.#until(async () => pattern.test(await label()), `a status like ${pattern}`);
  }

  until(holds, what) {
    return this.#until(holds, what);
  }

  async #until(holds, what, limitMs = 60_000) {
    const end = Date.now() + limitMs;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms\n${this.log.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
