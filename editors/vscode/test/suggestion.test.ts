import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Suggestion, begin, follow, isAt, remaining, withOffers } from '../src/suggestion';

const kUri = 'file:///a.py';

/** Asked at the end of `before`, whose last word is `word`. */
function suggested(before: string, word: string, ...texts: string[]): Suggestion {
  const offers = texts.map((text, id) => ({ id, text: word + text }));
  return { uri: kUri, version: 1, start: before.length - word.length, asked: word, here: word, offers, hasAlternatives: false, isComplete: true };
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('typing a suggestion leaves the same item at every key, until nothing is left', () => {
  const before = 'total = pri';
  const text = 'ces.sum()\n    return total';
  let now: Suggestion | undefined = suggested(before, 'pri', text);
  for (let n = 1; n <= text.length; ++n) {
    now = follow(now!, 1 + n, [{ offset: before.length + n - 1, length: 0, text: text[n - 1]! }]);
    assert.ok(now);
    const placed = remaining(now, kUri, 1 + n, before.length + n);
    if (n < text.length) {
      assert.deepEqual(placed, [{ id: 0, text: `pri${text}`, start: 8, end: before.length + n }]);
    } else {
      assert.deepEqual(placed, []);
    }
  }
});

test('a key that the suggestion does not have ends it, and taking the key back brings it back', () => {
  const wrong = follow(suggested('a = b', 'b', 'cd'), 2, [{ offset: 5, length: 0, text: 'x' }])!;
  assert.deepEqual(remaining(wrong, kUri, 2, 6), []);
  const back = follow(wrong, 3, [{ offset: 5, length: 1, text: '' }])!;
  assert.equal(remaining(back, kUri, 3, 5).length, 1);
});

test('deleting what had been typed before it was asked for ends it', () => {
  assert.equal(follow(suggested('a = b', 'b', 'cd'), 2, [{ offset: 4, length: 1, text: '' }]), undefined);
});

test('a change elsewhere ends it', () => {
  const s = suggested('a = b', 'b', 'cd');
  assert.equal(follow(s, 2, [{ offset: 0, length: 0, text: '# ' }]), undefined);
  assert.equal(follow(s, 2, [{ offset: 6, length: 0, text: ' ' }]), undefined);
  assert.equal(follow(s, 2, [{ offset: 3, length: 2, text: '' }]), undefined);
});

test('of several offers those stay that begin with what was typed', () => {
  const s = follow(suggested('x', 'x', '.push(1)', '.pop()', '.clear()'), 2, [{ offset: 1, length: 0, text: '.p' }])!;
  assert.deepEqual(remaining(s, kUri, 2, 3).map(({ id }) => id), [0, 1]);
});

test('another document, version or cursor has nothing of it', () => {
  const s = suggested('a = b', 'b', 'cd');
  assert.ok(isAt(s, kUri, 1, 5));
  for (const [uri, version, cursor] of [['file:///b.py', 1, 5], [kUri, 2, 5], [kUri, 1, 4], [kUri, 1, 6]] as const) {
    assert.ok(!isAt(s, uri, version, cursor));
    assert.deepEqual(remaining(s, uri, version, cursor), []);
  }
});

test('a bracket that the editor closed is replaced where the offer closes it', () => {
  const s = follow(suggested('f', 'f', '(a, b)\n'), 2, [{ offset: 1, length: 0, text: '()' }])!;
  assert.deepEqual(remaining(s, kUri, 2, 2), [{ id: 0, text: 'f(a, b)\n', start: 0, end: 3 }]);
});

test('a bracket that the editor closed stays where the offer leaves it open', () => {
  const s = follow(suggested('f', 'f', '(a, b'), 2, [{ offset: 1, length: 0, text: '()' }])!;
  assert.deepEqual(remaining(s, kUri, 2, 2), [{ id: 0, text: 'f(a, b', start: 0, end: 2 }]);
});

test('typing over the closing bracket is typing the suggestion', () => {
  let s = follow(suggested('f', 'f', '()[0]'), 2, [{ offset: 1, length: 0, text: '()' }])!;
  s = follow(s, 3, [{ offset: 2, length: 1, text: ')' }])!;
  assert.deepEqual(remaining(s, kUri, 3, 3), [{ id: 0, text: 'f()[0]', start: 0, end: 3 }]);
});

test('nothing is shown where the closing bracket is all that is left', () => {
  const s = follow(suggested('f', 'f', '()'), 2, [{ offset: 1, length: 0, text: '()' }])!;
  assert.deepEqual(remaining(s, kUri, 2, 2), []);
});

test('text behind the cursor that is no closer ends it', () => {
  const s = follow(suggested('f', '', 'abc'), 2, [{ offset: 1, length: 0, text: 'abz' }])!;
  assert.ok(!isAt(s, kUri, 2, 3));
});

test('taking an item makes its place hold the whole text', () => {
  const s = follow(suggested('a = b', 'b', 'cd\r\ne'), 2, [{ offset: 4, length: 1, text: 'bcd\r\ne' }])!;
  assert.ok(isAt(s, kUri, 2, 4 + 6));
  assert.deepEqual(remaining(s, kUri, 2, 4 + 6), []);
});

test('whatever is edited, an item put in its place continues what stands before the cursor', () => {
  const random = generator(7);
  const pick = (n: number): number => Math.floor(random() * n);
  let n_shown = 0;
  for (let round = 0; round < 5000; ++round) {
    let document = 'def area(self):\n    ret';
    const behind = ['', '\n', '\nend'][pick(3)]!;
    const text = ['urn self.f(a, "b")[0]\n', 'urn (x)', 'urn {\n  "a": [1]\n}'][pick(3)]!;
    let cursor = document.length;
    let s: Suggestion | undefined = suggested(document, 'ret', text, `${text}more`);
    document += behind;
    let version = 1;
    for (let key = 0; s !== undefined && key < 12; ++key) {
      const next = text[cursor - s.start - 3] ?? 'x';
      const closer = { '(': ')', '[': ']', '{': '}', '"': '"' }[next];
      const kind = pick(10);
      let change = { offset: cursor, length: 0, text: next };
      if (kind === 0) change = { offset: cursor, length: 0, text: 'xy('[pick(3)]! };
      if (kind === 1) change = { offset: cursor - 1, length: 1, text: '' };
      if (kind === 2) change = { offset: pick(document.length), length: 0, text: 'z' };
      if (kind > 4 && closer !== undefined) change.text += closer;
      if (kind > 7 && document[cursor] === next && s.here.length > cursor - s.start) change.length = 1;
      document = document.slice(0, change.offset) + change.text + document.slice(change.offset + change.length);
      cursor = change.offset + Math.min(change.text.length, 1);
      s = follow(s, ++version, [change]);
      if (s === undefined) break;
      assert.equal(document.slice(s.start, s.start + s.here.length), s.here, 'it knows what the document holds');
      for (const { text: whole, start, end } of remaining(s, kUri, version, cursor)) {
        ++n_shown;
        const typed = document.slice(start, cursor);
        assert.ok(whole.startsWith(typed) && whole.length > typed.length);
        assert.match(document.slice(cursor, end), /^[)\]}>'"`]*$/);
      }
    }
  }
  assert.ok(n_shown > 5000, `only ${n_shown} items were looked at`);
});

test('an answer that comes after a key was typed is still right', () => {
  let s = follow(begin(kUri, 1, 5), 2, [{ offset: 5, length: 0, text: 'c' }])!;
  assert.ok(!isAt(s, kUri, 2, 6), 'nothing is offered yet');
  s = withOffers(s, 1, [{ id: 0, text: 'bcd' }], false);
  assert.deepEqual(remaining(s, kUri, 2, 6), [{ id: 0, text: 'bcd', start: 4, end: 6 }]);
  s = withOffers(s, 1, [{ id: 0, text: 'bcde' }], true);
  assert.deepEqual(remaining(s, kUri, 2, 6), [{ id: 0, text: 'bcde', start: 4, end: 6 }]);
});

test('an answer that comes after another key was typed offers nothing', () => {
  const s = withOffers(follow(begin(kUri, 1, 5), 2, [{ offset: 5, length: 0, text: 'x' }])!, 1, [{ id: 0, text: 'bcd' }], true);
  assert.deepEqual(remaining(s, kUri, 2, 6), []);
});
