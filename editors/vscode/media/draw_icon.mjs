// Draws icon.svg as icon.png, as the galleries of extensions want it: `node media/draw_icon.mjs`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const kSize = 128;
const file = (name) => new URL(name, import.meta.url);
const browser = await chromium.launch({ executablePath: process.env.OCTET_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: kSize, height: kSize } });
await page.setContent(`<body style="margin: 0"><img src="data:image/svg+xml;base64,${readFileSync(file('icon.svg'), 'base64')}" width="${kSize}">`);
await page.screenshot({ path: fileURLToPath(file('icon.png')), omitBackground: true });
await browser.close();
