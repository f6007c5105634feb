import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Growth, type Part } from '../src/growth';

const kQuestion = { uri: 'file:///a.py', version: 3, line: 2, character: 5 };

function part(sequence: number, text: string, changes: Partial<Part> = {}): Part {
  const range = { start: { line: 2, character: 3 }, end: { line: 2, character: 5 } };
  return { uri: 'file:///a.py', version: 3, requestId: 7, sequence, text, range, done: false, ...changes };
}

test('parts make a text that grows', () => {
  const growth = new Growth(kQuestion);
  assert.ok(growth.add(part(0, 'ab')));
  assert.ok(growth.add(part(1, 'abc')));
  assert.ok(growth.add(part(2, 'abc', { done: true })));
  assert.equal(growth.text, 'abc');
});

test('parts of another document, version, place or question are left out', () => {
  const elsewhere = { start: { line: 2, character: 3 }, end: { line: 2, character: 6 } };
  const growth = new Growth(kQuestion);
  assert.ok(growth.add(part(0, 'a')));
  for (const other of [{ uri: 'file:///b.py' }, { version: 4 }, { range: elsewhere }, { requestId: 8 }]) {
    assert.ok(!growth.add(part(1, 'ab', other)), JSON.stringify(other));
  }
  assert.equal(growth.text, 'a');
});

test('late parts of an older question about the same place are left out', () => {
  const growth = new Growth(kQuestion);
  assert.ok(!growth.add(part(4, 'old', { requestId: 6 })));
  assert.ok(growth.add(part(0, 'new')));
  assert.ok(!growth.add(part(5, 'new and old', { requestId: 6 })));
  assert.equal(growth.text, 'new');
});

test('a part that is missing, comes twice or takes text back is left out', () => {
  const growth = new Growth(kQuestion);
  assert.ok(growth.add(part(0, 'ab')));
  assert.ok(!growth.add(part(2, 'abcd')));
  assert.ok(!growth.add(part(0, 'ab', { requestId: 9, version: 2 })));
  assert.ok(!growth.add(part(1, 'ax')));
  assert.ok(growth.add(part(1, 'abc')));
});
