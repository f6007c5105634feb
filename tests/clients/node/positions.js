// Offsets of JavaScript strings (UTF-16 code units) to LSP positions and back, in the three encodings of LSP 3.18.

const kLineEnd = /\r\n|\r|\n/g;

/** How many units of `encoding` a piece of a line takes. */
export function unitsOf(text, encoding) {
  if (encoding === 'utf-8') return Buffer.byteLength(text, 'utf8');
  if (encoding === 'utf-32') return [...text].length;
  return text.length;
}

/** Where each line starts and where its text ends, without its line end. */
function linesOf(text) {
  const lines = [];
  let start = 0;
  for (const match of text.matchAll(kLineEnd)) {
    lines.push({ start, end: match.index });
    start = match.index + match[0].length;
  }
  lines.push({ start, end: text.length });
  return lines;
}

/** The position of an offset, which must not lie inside a line end. */
export function positionAt(text, offset, encoding) {
  const lines = linesOf(text);
  let line = lines.length - 1;
  while (lines[line].start > offset) --line;
  return { line, character: unitsOf(text.slice(lines[line].start, offset), encoding) };
}

/** The offset of a position: beyond a line its end, beyond the text its end, inside a character the character's start. */
export function offsetAt(text, position, encoding) {
  const lines = linesOf(text);
  if (position.line >= lines.length) return text.length;
  const { start, end } = lines[position.line];
  let offset = start;
  let left = position.character;
  for (const character of text.slice(start, end)) {
    left -= unitsOf(character, encoding);
    if (left < 0) break;
    offset += character.length;
  }
  return offset;
}

/** Where the word before `offset` starts; everything above ASCII counts as a letter. */
export function wordStart(text, offset) {
  let start = offset;
  while (start > 0 && /[\w\u0080-\uffff]/.test(text[start - 1])) --start;
  return start;
}
