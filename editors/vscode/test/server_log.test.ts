import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogLine } from '../src/server_log';

test('a line keeps its level and loses its time', () => {
  assert.deepEqual(readLogLine('2026-11-26 01:45:24.266 info model octet, loaded in 167 ms'), { level: 'info', text: 'model octet, loaded in 167 ms' });
  assert.equal(readLogLine('2026-11-26 01:45:24.266 warning settings: x').level, 'warn');
  assert.equal(readLogLine('2026-11-26 01:45:24.266 critical x').level, 'error');
});

test('what is no line of the log is an error, whole', () => {
  for (const line of ['error while loading shared libraries: libgit2.so.1.5', '2026-11-26 01:45:24.266 strange x', '']) {
    assert.deepEqual(readLogLine(line), { level: 'error', text: line });
  }
});
