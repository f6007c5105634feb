// What "Octet: Benchmark Here" measures: where it asks, and what it found.

/** One completion that was asked for. */
export interface Sample {
  /** From the question to the answer, as the extension sees it. */
  readonly roundTripMs: number;
  /** What the server says it took; undefined where it does not say, or had no text. */
  readonly serverMs?: number;
  /** Of the text behind the cursor; 0: there was none. */
  readonly n_bytes: number;
}

/** `n` places of a text, the same ones for the same text, none inside of a character. */
export function places(text: string, n: number): number[] {
  const offsets: number[] = [];
  let state = 0x9e3779b9;
  for (let i = 0; i < n; ++i) {
    // xorshift32: what is needed is that the places repeat and are spread.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const offset = (state >>> 0) % (text.length + 1);
    const isInside = /[\udc00-\udfff]|\n/.test(text[offset] ?? '') && /[\ud800-\udbff]|\r/.test(text[offset - 1] ?? '');
    offsets.push(isInside ? offset - 1 : offset);
  }
  return offsets;
}

/** The smallest of the values that a share `p` of them does not exceed. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

export interface Measured {
  readonly file: string;
  readonly samples: readonly Sample[];
  readonly n_asked: number;
  readonly model: string | undefined;
  readonly device: string | undefined;
  /** octet.threads */
  readonly threads: number;
}

function row(title: string, values: readonly number[]): string {
  const cells = values.length === 0 ? ['-', '-', '-'] : [percentile(values, 0.5), percentile(values, 0.95), Math.max(...values)].map((ms) => ms.toFixed(1));
  return `  ${title.padEnd(28)}${cells.map((cell) => cell.padStart(8)).join('')}`;
}

export function latencyReport({ file, samples, n_asked, model, device, threads }: Measured): string {
  const withText = samples.filter(({ n_bytes }) => n_bytes > 0);
  const n_bytes = withText.reduce((sum, sample) => sum + sample.n_bytes, 0);
  const mean = withText.length === 0 ? 0 : n_bytes / withText.length;
  return [
    `Completions in ${file}, asked for at ${n_asked} places, one after the other`,
    '',
    `  ${'milliseconds to a text'.padEnd(28)}${['p50', 'p95', 'max'].map((name) => name.padStart(8)).join('')}`,
    row('from question to answer', withText.map(({ roundTripMs }) => roundTripMs)),
    row("of these the server's own", withText.flatMap(({ serverMs }) => serverMs ?? [])),
    '',
    `  answers                     ${samples.length} of ${n_asked}${samples.length < n_asked ? ' (stopped)' : ''}, ${withText.length} of them with text`,
    `  bytes                       ${n_bytes}, ${mean.toFixed(1)} an answer with text`,
    `  model                       ${model ?? 'none'}`,
    `  device                      ${device ?? 'none'}`,
    `  threads                     ${threads === 0 ? 'chosen by the server (octet.threads is 0)' : threads}`,
    '',
    'Each place is far from the one before, so that the text around it is read anew: a key that is typed on takes less.',
    'Every answer is whole, and as unsure as it may be; they count in the statistics.',
  ].join('\n');
}
