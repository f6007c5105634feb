import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explanationReport, statisticsReport } from '../src/reports';

test('statistics show counts, shares, latencies and reasons, and nothing of before where there is nothing', () => {
  const session = { requests: 10, answered: 6, from_memory: 2, shown: 4, accepted: 1, silent: { no_room: 4 }, latency_ms: { n: 6, p50: 12.34, p90: 20, p99: 30 } };
  const report = statisticsReport({ session, before: {} });
  assert.match(report, /answered with text {3}6, 2 of them/);
  assert.match(report, /taken whole +1 \(25 %\)/);
  assert.match(report, /p50 12\.3/);
  assert.match(report, /silent, no_room +4/);
  assert.doesNotMatch(report, /Before/);
  assert.match(statisticsReport({ session: {}, before: { requests: 5 } }), /Before\n +asked +5/);
});

test('an explanation names the sources of the text and the reason for silence', () => {
  const sources = [{ text: 'a', source: 'net', file: null }, { text: 'b', source: 'memory', file: 'x.py' }];
  const report = explanationReport({ text: 'ab', confidence: 0.5, sources, silence: { reason: 'no_room', message: 'text right' } });
  assert.match(report, /text right \(no_room\)/);
  assert.match(report, /"b" from the memory, x\.py/);
  assert.match(report, /50 %/);
  assert.match(explanationReport({ silence: null }), /No completion/);
});
