// A document as the client has it. In UTF-16 every change is also applied by vscode-languageserver-textdocument, so that
// the model that the server is measured against is not only our own.
import assert from 'node:assert/strict';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { offsetAt, positionAt, wordStart } from './positions.js';

export class Doc {
  version = 1;
  #mirror = null;

  constructor(uri, languageId, text, encoding) {
    this.uri = uri;
    this.languageId = languageId;
    this.text = text;
    this.encoding = encoding;
    if (encoding === 'utf-16') this.#mirror = TextDocument.create(uri, languageId, this.version, text);
  }

  positionAt(offset) {
    const position = positionAt(this.text, offset, this.encoding);
    if (this.#mirror !== null) assert.deepEqual(position, this.#mirror.positionAt(offset));
    return position;
  }

  /** Applies edits and returns them as content changes; a start of null replaces the whole text. */
  apply(edits) {
    ++this.version;
    return edits.map(([start, end, text]) => {
      const change = start === null ? { text } : { range: { start: this.positionAt(start), end: this.positionAt(end) }, text };
      this.text = start === null ? text : this.text.slice(0, start) + text + this.text.slice(end);
      if (this.#mirror !== null) {
        TextDocument.update(this.#mirror, [change], this.version);
        assert.equal(this.#mirror.getText(), this.text);
      }
      return change;
    });
  }

  /** The word that an item must begin with and its range, for a cursor that was asked about. */
  static before({ text, encoding, position }) {
    const cursor = offsetAt(text, position, encoding);
    const start = wordStart(text, cursor);
    return {
      word: text.slice(start, cursor),
      range: { start: positionAt(text, start, encoding), end: positionAt(text, cursor, encoding) },
    };
  }
}
