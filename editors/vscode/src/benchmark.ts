// "Octet: Benchmark Here": asks the server of this window for completions of the open file, as its settings are.
import { type CancellationToken, type Progress, type TextDocument, workspace } from 'vscode';
import type { OctetClient } from './client';
import { type Measured, type Sample, places } from './latency';
import type { Counts } from './reports';
import type { Session } from './session';

const kPlaces = 30;

interface Answer {
  readonly items: readonly { readonly insertText: string; readonly range: { readonly start: { readonly character: number } } }[];
}

async function measure(client: OctetClient, document: TextDocument, offset: number, token: CancellationToken): Promise<Sample> {
  const { line, character } = document.positionAt(offset);
  const params = { textDocument: { uri: document.uri.toString() }, position: { line, character }, context: { triggerKind: 1 } };
  const startedAt = performance.now();
  const { items } = await client.sendRequest<Answer>('textDocument/inlineCompletion', params, token);
  const roundTripMs = performance.now() - startedAt;
  const [first] = items;
  if (first === undefined) return { roundTripMs, n_bytes: 0 };
  const n_bytes = Buffer.byteLength(first.insertText.slice(character - first.range.start.character));
  const statistics = await client.sendRequest<{ session: Counts }>('workspace/executeCommand', { command: 'octet.statistics' });
  const last = (statistics.session['latency_ms'] as Counts | undefined)?.['last'];
  return { roundTripMs, n_bytes, ...(typeof last === 'number' && { serverMs: last }) };
}

/** Ends early, with what there is, where the person stops it. */
export async function benchmark(
  session: Session,
  document: TextDocument,
  progress: Progress<{ increment: number; message: string }>,
  token: CancellationToken,
): Promise<Measured | undefined> {
  const samples: Sample[] = [];
  for (const offset of places(document.getText(), kPlaces)) {
    const { client } = session;
    if (client === undefined) return undefined;
    if (token.isCancellationRequested) break;
    progress.report({ increment: 100 / kPlaces, message: `${samples.length + 1} of ${kPlaces}` });
    try {
      samples.push(await measure(client, document, offset, token));
    } catch (error) {
      if (!token.isCancellationRequested) throw error;
    }
  }
  const { status } = session;
  return {
    file: workspace.asRelativePath(document.uri),
    samples,
    n_asked: kPlaces,
    model: status?.model ? `${status.model.name} (${status.model.profile})` : undefined,
    device: status?.device ?? undefined,
    threads: workspace.getConfiguration('octet').get('threads', 0),
  };
}
