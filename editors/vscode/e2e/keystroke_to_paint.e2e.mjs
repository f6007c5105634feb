// How long from a key to its ghost text, beside what the server itself took for the same state of the document.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { artefact, code, kRouter, openNew, sample, saved } from './fixture.mjs';
import { measurePaint } from './paint_watch.mjs';

// A fast typist's.
const kKeyMs = 120;
const kKeys = 190;
// How much longer than the server's answer it may take until ghost text is seen, in the median of all keys; and of those keys alone whose
// text the server was asked for, where the editor first waits for another key.
const kLimitMs = 30;
const kEditorWaitsMs = 50;

// A key is a change, and nothing but ghost text is drawn beside what is typed.
const kSettings = {
  'editor.autoIndent': 'none',
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingQuotes': 'never',
  'editor.quickSuggestions': { other: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
};

/** What the server wrote into the editor's log since it was `n_before` long: version of the document -> milliseconds to its answer. */
function serverTimes(n_before = 0) {
  const logs = join(code.root, 'data/logs');
  const files = readdirSync(logs, { recursive: true }).filter((file) => file.endsWith('Octet.log'));
  const text = files.map((file) => readFileSync(join(logs, file), 'utf8')).join('\n').slice(n_before);
  const times = new Map();
  for (const [, version, ms] of text.matchAll(/completion \S+: javascript v(\d+) [1-9]\d* bytes.*?, ([\d.]+) ms/g)) times.set(Number(version), Number(ms));
  return { times, n: n_before + text.length };
}

function percentiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (p) => Number(sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]?.toFixed(1));
  return { n: sorted.length, p50: at(0.5), p95: at(0.95) };
}

test('ghost text is painted soon after the server has it', async () => {
  code.set(kSettings);
  const name = await openNew(kRouter, 'js');
  const text = sample('router.js').slice(kRouter.length, kRouter.length + kKeys);
  const { n } = serverTimes();
  const painted = await measurePaint(code.page, text, kKeyMs);
  assert.equal(await saved(name), kRouter + text);
  code.set({});
  const { times } = serverTimes(n);
  // The document opens as version 1. Where the server was not asked, the text of an earlier answer was typed on.
  const seen = painted.flatMap((ms, i) => (ms === undefined ? [] : [{ ms, server: times.get(i + 2) }]));
  const asked = seen.filter(({ server }) => server !== undefined);
  const figures = {
    keys: kKeys,
    ms_between_keys: kKeyMs,
    key_to_paint_ms: percentiles(seen.map(({ ms }) => ms)),
    server_ms: percentiles(asked.map(({ server }) => server)),
    typed_on: { key_to_paint_ms: percentiles(seen.filter(({ server }) => server === undefined).map(({ ms }) => ms)) },
    asked: {
      key_to_paint_ms: percentiles(asked.map(({ ms }) => ms)),
      more_than_server_ms: percentiles(asked.map(({ ms, server }) => ms - server)),
    },
  };
  writeFileSync(artefact('keystroke_to_paint.json'), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`key to paint: ${JSON.stringify(figures)}`);
  assert.ok(seen.length > kKeys / 3 && asked.length >= 10, `${seen.length} keys with ghost text, ${asked.length} of them asked about`);
  const more = figures.key_to_paint_ms.p50 - figures.server_ms.p50;
  assert.ok(more <= kLimitMs, `${more} ms more than the server's in the median`);
  assert.ok(figures.asked.more_than_server_ms.p50 <= kEditorWaitsMs + kLimitMs, `${figures.asked.more_than_server_ms.p50} ms more than the server's where it was asked`);
});
