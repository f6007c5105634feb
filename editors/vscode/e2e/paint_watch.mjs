// When ghost text is seen: runs in the page, looks at its clock and at nothing else.

/** Watches keys, and frames that have ghost text behind what the last key made of its line. `lines[i]` is that line after key i. */
function install(lines) {
  const watch = (window.octetPaint = { keys: [], painted: [] });
  let isRendering = false;
  const rendered = new MessageChannel();
  rendered.port1.onmessage = () => (isRendering = false);
  const frame = () => {
    if (watch.isOver) return;
    isRendering = true; // until the frame is made: what changes before that is in it
    rendered.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const plain = (text) => text.replaceAll(/[\u00a0\u00b7]/g, ' ');
  const look = () => {
    const last = watch.keys.length - 1;
    if (last < 0 || watch.painted[last] !== undefined) return;
    const ghost = document.querySelector('.editor-instance [class*="ghost-text-decoration"]');
    if (ghost === null) return;
    let before = '';
    for (let node = ghost.previousSibling; node !== null; node = node.previousSibling) before = node.textContent + before;
    if (plain(before) !== lines[last]) return;
    const paint = () => (watch.painted[last] ??= performance.now());
    if (isRendering) paint();
    else requestAnimationFrame(paint);
  };
  document.addEventListener('keydown', (event) => watch.keys.push(event.timeStamp), { capture: true });
  new MutationObserver(look).observe(document.querySelector('.editor-instance'), { childList: true, subtree: true, characterData: true, attributes: true });
}

/** For each key of `text`: milliseconds from the key to the first frame with its ghost text; undefined where there was none before the next key. */
export async function measurePaint(page, text, delay) {
  const lines = Array.from(text, (_, i) => text.slice(0, i + 1).split('\n').at(-1));
  await page.evaluate(install, lines);
  for (const key of text) {
    await page.keyboard.press(key === '\n' ? 'Enter' : key === ' ' ? 'Space' : key);
    await page.waitForTimeout(delay);
  }
  const { keys, painted } = await page.evaluate(() => ((window.octetPaint.isOver = true), window.octetPaint));
  if (keys.length !== lines.length) throw new Error(`${keys.length} keys for ${lines.length} characters`);
  return keys.map((key, i) => (painted[i] == null ? undefined : painted[i] - key));
}
