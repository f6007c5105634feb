// Answers of the server, written out for a person.

export type Counts = { readonly [name: string]: unknown };

function number(counts: Counts, name: string): number {
  const value = counts[name];
  return typeof value === 'number' ? value : 0;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '' : ` (${Math.round((100 * part) / whole)} %)`;
}

function paragraph(title: string, counts: Counts): string[] {
  const shown = number(counts, 'shown');
  const accepted = number(counts, 'accepted');
  const lines = [
    title,
    `  asked                ${number(counts, 'requests')}`,
    `  answered with text   ${number(counts, 'answered')}, ${number(counts, 'from_memory')} of them without the model`,
    `  shown                ${shown}`,
    `  taken whole          ${accepted}${share(accepted, shown)}`,
    `  taken partly         ${number(counts, 'accepted_partly')}`,
    `  dismissed            ${number(counts, 'dismissed')}`,
    `  bytes taken          ${number(counts, 'bytes_accepted')} of ${number(counts, 'bytes_offered')}`,
  ];
  const latency = counts['latency_ms'] as Counts | undefined;
  if (latency !== undefined && number(latency, 'n') > 0) {
    lines.push(`  milliseconds         ${['p50', 'p90', 'p99'].map((p) => `${p} ${number(latency, p).toFixed(1)}`).join(', ')}`);
  }
  const silent = Object.entries((counts['silent'] as Counts | undefined) ?? {});
  for (const [reason, n] of silent) lines.push(`  silent, ${reason.padEnd(20)} ${String(n)}`);
  return lines;
}

/** Of octet.statistics. */
export function statisticsReport({ session, before }: { session: Counts; before: Counts }): string {
  const lines = paragraph('Since the server started', session);
  if (Object.keys(before).length > 0) lines.push('', ...paragraph('Before', before));
  return [...lines, '', 'Kept on this machine; nothing leaves it.'].join('\n');
}

export interface Explanation {
  readonly text?: string;
  readonly confidence?: number;
  readonly sources?: readonly { readonly text: string; readonly source: string; readonly file: string | null }[];
  readonly silence: { readonly reason: string; readonly message: string } | null;
}

/** Of octet/explain. */
export function explanationReport({ text, confidence, sources, silence }: Explanation): string {
  const lines: string[] = [];
  if (silence !== null) lines.push(`Nothing was shown last: ${silence.message} (${silence.reason}).`);
  if (text === undefined || text === '') return lines.concat('No completion was computed yet.').join('\n');
  lines.push(`The last completion: ${JSON.stringify(text)}`);
  if (confidence !== undefined) lines.push(`How likely all of it is right: ${Math.round(100 * confidence)} %`);
  for (const { text: piece, source, file } of sources ?? []) {
    lines.push(`  ${JSON.stringify(piece)} from ${source === 'net' ? 'the net' : source === 'memory' ? 'the memory' : 'both'}${file === null ? '' : `, ${file}`}`);
  }
  return lines.join('\n');
}
