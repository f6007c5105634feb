// Whether the server's copy of a document is the client's: it must complete it as it completes the same text, opened
// afresh under a path that ends alike (the model is shown the last two components).
import assert from 'node:assert/strict';

let n_fresh = 0;

/**
 * Compares the completions of `doc` with those of a fresh copy at some cursors; returns how many were not empty. Decoding
 * has a time limit, so on a slow machine one of two equal texts may be cut short: one must continue the other.
 */
export async function compareWithFreshCopy(client, doc, offsets) {
  const place = doc.uri.split('/').slice(-2).join('/');
  const fresh = client.open(`file:///fresh-${++n_fresh}/${place}`, doc.languageId, doc.text);
  let n_compared = 0;
  for (const offset of offsets) {
    const [edited] = await client.items(doc, offset);
    const [opened] = await client.items(fresh, offset);
    assert.deepEqual(edited?.range, opened?.range, `at ${offset}`);
    if (edited === undefined) continue;
    const [short, long] = [edited.insertText, opened.insertText].sort((a, b) => a.length - b.length);
    assert.ok(long.startsWith(short), `at ${offset} the edited document gives '${edited.insertText}', a fresh one '${opened.insertText}'`);
    ++n_compared;
  }
  client.close(fresh);
  return n_compared;
}

/** Where to ask: behind visible text, away from line ends. */
export function someCursors(text, n, random) {
  const cursors = [];
  while (cursors.length < n) {
    const cursor = 1 + Math.floor(random() * (text.length - 1));
    if (/[!-~]/.test(text[cursor - 1]) && /[ -~\r\n]/.test(text[cursor] ?? ' ')) cursors.push(cursor);
  }
  return cursors;
}
