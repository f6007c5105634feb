// The pages of octet-bench in a real browser without a network, as somebody sees them who opens the file. OCTET_BENCH is the program,
// OCTET_SCREENSHOTS a folder for pictures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const root = new URL('../../', import.meta.url).pathname;
// The driver of the extension's tests does here as well.
const { chromium } = createRequire(join(root, 'editors/vscode/package.json'))('playwright-core');
const kBench = process.env.OCTET_BENCH ?? join(root, 'build/release/octet-bench');
const kSamples = ['lru_cache.py', 'router.js', 'tokenizer.rs'].map((name) => join(root, 'benchmarks/samples', name));

/** What octet-bench latency writes, made up: texts that would end a script, keys of all outcomes. */
function latency() {
  const key = (i) => {
    const fromMemory = i % 3 === 0;
    const ms = fromMemory ? 0.4 + (i % 7) / 20 : 5 + (i % 29);
    const hasText = i % 10 !== 9;
    return {
      file: '</script><script>alert(1)</script>.py', line: i, text: 'x', outcome: hasText ? 'text' : 'nothing', from_memory: fromMemory,
      first_ms: hasText ? [ms / 2, null] : [null, null], whole_ms: hasText ? [ms, ms + 0.5] : [null, null],
      positions_computed: 1, steps: fromMemory ? 0 : 1 + (i % 5), bytes: fromMemory ? 0 : 3 * (1 + (i % 5)),
    };
  };
  return {
    verb: 'latency', environment: { cpu: '<img src=x onerror=alert(2)>', cores: 2, isa: 'avx2', threads: 2, load: 0.25 },
    server: { command: 'octet lsp --stdio', name: 'octet', version: '0.1.0', model: 'octet', sha256: 'ab12', device: 'cpu' },
    trace: { files: 1, keys: 200, speed: 1, hash: 'cd34' }, text_hash: 'ef56', texts_wrong: 0,
    figures: {
      'unhurried.whole_ms.p50': { values: [9.125, 9.25, 9.5, 9.75, 30.5], median: 9.5, mad: 0.25, outliers: [4], unit: 'ms', better: 'less', kind: 'time' },
      'typing.from_memory': { values: [0.3, 0.31, 0.32, 0.33, 0.34], median: 0.32, mad: 0.01, outliers: [], unit: 'share', better: 'more', kind: 'ratio' },
    },
    stages_ms: { context: 0.1, syntax: 0.5, prefill: 2, decode: 6, rest: 0.4 },
    keys: Array.from({ length: 200 }, (_, i) => key(i)),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'octet-page-'));
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.OCTET_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Opens the page of a result, and checks what holds for every page. */
async function look(name, html, result, titles) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme, offline: true });
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
    page.on('request', (request) => request.url() === pathToFileURL(html).href || complaints.push(`a request: ${request.url()}`));
    await page.goto(pathToFileURL(html).href);
    assert.deepEqual(await page.locator('figure h2').allTextContents(), titles);
    const colours = await page.locator('canvas').evaluateAll((canvases) => canvases.map((canvas) => {
      const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
      return new Set(pixels).size;
    }));
    assert.equal(colours.length, titles.length);
    for (const [i, n] of colours.entries()) assert.ok(n > 10, `"${titles[i]}" has ${n} colours`);
    const shown = await page.locator('body').innerText();
    for (const [figure, { median, unit }] of Object.entries(result.figures)) {
      assert.ok(shown.includes(figure), figure);
      if (unit === 'share') assert.ok(shown.includes(`${(100 * median).toFixed(1)} %`), figure);
    }
    for (const fact of Object.values(result.environment)) if (typeof fact === 'string') assert.ok(shown.includes(fact), fact);
    for (const width of [1280, 800]) {
      await page.setViewportSize({ width, height: 900 });
      const n_beyond = await page.evaluate(() => Math.max(...[document.documentElement, ...document.querySelectorAll('.table')]
        .map((part) => part.scrollWidth - part.clientWidth)));
      assert.ok(n_beyond <= 0, `${n_beyond} pixels lie beyond the edge at ${width}`);
      if (process.env.OCTET_SCREENSHOTS) {
        await page.screenshot({ path: join(process.env.OCTET_SCREENSHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      }
    }
    assert.deepEqual(complaints, []);
    await context.close();
  }
}

test('the page of latency shows times, stages and steps', async () => {
  const [json, html] = [join(folder, 'latency.json'), join(folder, 'latency.html')];
  writeFileSync(json, JSON.stringify(latency()));
  execFileSync(kBench, ['page', json, '--html', html]);
  await look('latency', html, latency(), ['How soon a suggestion is there', 'Where the time goes', 'Bytes a step']);
});

test('the page of quality shows what was typed, how near, how sure, how far ahead, and at what cost', async () => {
  const [json, html] = [join(folder, 'quality.json'), join(folder, 'quality.html')];
  execFileSync(kBench, ['quality', '--bytes', '200', '--cursors', '3', '--completions', '1', '--editor-cursors', '8', '--replay-bytes', '200',
    '--json', json, '--html', html, '--files', ...kSamples]);
  const result = JSON.parse(readFileSync(json, 'utf8'));
  await look('quality', html, result, ['Keys and time saved', 'How near suggestions come to the truth', 'Is it as sure as it should be?',
    'How far ahead guesses are right', 'Bytes a step', 'What checking more bytes at once costs']);
});
