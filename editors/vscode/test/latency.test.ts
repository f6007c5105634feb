import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyReport, percentile, places } from '../src/latency';

test('places are the same ones for the same text, spread over it, and between characters', () => {
  const text = 'a\u{1f600}\r\n'.repeat(200);
  const chosen = places(text, 100);
  assert.deepEqual(chosen, places(text, 100));
  assert.equal(chosen.length, 100);
  assert.ok(new Set(chosen).size > 80);
  for (const quarter of [0, 1, 2, 3]) assert.ok(chosen.filter((at) => Math.floor((4 * at) / (text.length + 1)) === quarter).length > 10);
  for (const at of chosen) assert.ok(![2, 4].includes(at % 5), `${at} is inside of a character or a line's end`);
  assert.deepEqual(places('', 3), [0, 0, 0]);
});

test('a percentile is a value that so many do not exceed', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.95), 95);
  assert.equal(percentile([7], 0.95), 7);
});

test('a report tells what was measured, and that it was stopped', () => {
  const samples = [
    { roundTripMs: 10, serverMs: 8, n_bytes: 6 },
    { roundTripMs: 30, serverMs: 25, n_bytes: 10 },
    { roundTripMs: 99, n_bytes: 0 },
  ];
  const report = latencyReport({ file: 'a.py', samples, n_asked: 30, model: 'octet (int8)', device: 'cpu avx2', threads: 2 });
  assert.match(report, /in a\.py, asked for at 30 places/);
  assert.match(report, /question to answer +10\.0 +30\.0 +30\.0/);
  assert.match(report, /server's own +8\.0 +25\.0 +25\.0/);
  assert.match(report, /3 of 30 \(stopped\), 2 of them with text/);
  assert.match(report, /16, 8\.0 an answer/);
  assert.match(report, /device +cpu avx2\n +threads +2/);
  const empty = latencyReport({ file: 'a.py', samples: [], n_asked: 30, model: undefined, device: undefined, threads: 0 });
  assert.match(empty, /server's own +- +- +-/);
  assert.match(empty, /chosen by the server/);
});
