// Position encodings: characters of one to four bytes before the cursor, in each encoding of LSP 3.18.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, checkedItems } from './client.js';
import { compareWithFreshCopy } from './sync.js';
import { offsetAt, positionAt } from './positions.js';

const kOffers = [
  { offered: undefined, expected: ['utf-16'] },
  { offered: ['utf-16'], expected: ['utf-16'] },
  { offered: ['utf-8'], expected: ['utf-8'] },
  { offered: ['utf-32'], expected: ['utf-32'] },
  { offered: ['utf-8', 'utf-16', 'utf-32'], expected: ['utf-8', 'utf-16', 'utf-32'] },
  { offered: ['utf-7', 'utf-16'], expected: ['utf-16'] },
  { offered: ['utf-7'], expected: ['utf-16'] }, // what a client must understand in any case
];

for (const { offered, expected } of kOffers) {
  test(`a client that offers ${offered?.join(', ') ?? 'no encoding'} gets ${expected.join(' or ')}`, async (t) => {
    const client = await Client.start(t, { encodings: offered });
    assert.ok(expected.includes(client.encoding), client.encoding);
    await client.stop();
  });
}

const kBefore = 'def größe(名前, 𝒳):\n    """Länge 👩‍👩‍👧 und 𝕊𝕦𝕞𝕞𝕖 — été"""\n    ';
const kTyped = 'é𝒳_total = größe("漢字 🎉", 𝒳) + 𝒳_to';
const kBehind = '\n    return é𝒳_total\n';

for (const encoding of ['utf-16', 'utf-8', 'utf-32']) {
  test(`typing between accents and astral characters is consistent in ${encoding}`, async (t) => {
    const client = await Client.start(t, { encodings: [encoding] });
    assert.equal(client.encoding, encoding);
    const doc = client.open('file:///repo/src/größe.py', 'python', kBefore + kBehind);
    let cursor = kBefore.length;
    let n_beyond_ascii = 0;
    for (const character of kTyped) {
      client.change(doc, [cursor, cursor, character]);
      cursor += character.length;
      for (const { insertText } of await client.items(doc, cursor)) if (/[^\0-\x7f]/.test(insertText)) ++n_beyond_ascii;
    }
    assert.ok(n_beyond_ascii > 0, 'no answer held a character beyond ASCII, so its length in bytes was not tested');
    // Astral characters go away again, one from the middle and a line end among what is deleted.
    const astral = doc.text.indexOf('𝕦');
    client.change(doc, [astral, astral + '𝕦'.length, ''], [doc.text.indexOf('👩'), doc.text.indexOf('und'), 'été\n']);
    cursor = doc.text.indexOf(kTyped) + kTyped.length;
    assert.ok((await compareWithFreshCopy(client, doc, [cursor, doc.text.indexOf('total') + 5])) > 0);
    await client.stop();
  });
}

test('all encodings offer the same text', async (t) => {
  const text = kBefore + kTyped;
  const offered = [];
  for (const encoding of ['utf-8', 'utf-16', 'utf-32']) {
    const client = await Client.start(t, { encodings: [encoding] });
    const doc = client.open('file:///repo/src/größe.py', 'python', text);
    const [item] = await client.items(doc, text.length);
    offered.push(item?.insertText ?? '');
    await client.stop();
  }
  offered.sort((a, b) => a.length - b.length); // decoding is time-boxed: one continues the other
  assert.ok(offered[0].length > 0);
  assert.ok(offered[2].startsWith(offered[1]) && offered[1].startsWith(offered[0]), JSON.stringify(offered));
});

for (const [encoding, units] of [['utf-16', 2], ['utf-8', 4]]) {
  test(`a position inside a character means its start in ${encoding}`, async (t) => {
    const client = await Client.start(t, { encodings: [encoding] });
    const text = 'value = 𝒳';
    const doc = client.open('file:///repo/src/a.py', 'python', text);
    const before = positionAt(text, text.length - 2, encoding);
    let n_offered = 0;
    for (let inside = 1; inside < units; ++inside) {
      const position = { line: 0, character: before.character + inside };
      assert.equal(offsetAt(text, position, encoding), text.length - 2);
      const completion = client.complete(doc, 0, { position });
      n_offered += checkedItems(completion.asked, await completion.answer).length;
    }
    assert.ok(n_offered > 0);
    await client.stop();
  });
}
