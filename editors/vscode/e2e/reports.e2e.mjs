// What the commands report.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code, kCircle, openNew, saved, type } from './fixture.mjs';

test('a benchmark of the open file shows its figures, and leaves the document as it is', async () => {
  const name = await openNew();
  await code.run('Octet: Benchmark Here');
  await code.until(async () => /answers\s+30 of 30/.test(await code.panel()), 'the report');
  const [, trip, own] = /from question to answer\s+([\d.]+).*?server's own\s+([\d.]+)/s.exec(await code.panel());
  assert.ok(Number(own) > 0 && Number(own) <= Number(trip), `${own} ms of ${trip} ms`);
  await code.focus();
  await type('#');
  assert.equal(await saved(name), `${kCircle}#`);
});
