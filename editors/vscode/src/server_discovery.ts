// Which octet binary is started: the one that the settings name, the one inside the extension, or one of PATH.
import { delimiter, join } from 'node:path';

export interface Places {
  /** octet.serverPath; empty: not named. */
  readonly named: string;
  readonly extensionFolder: string;
  /** The variable PATH. */
  readonly path: string;
  readonly home: string;
}

export interface Candidate {
  readonly file: string;
  readonly origin: 'octet.serverPath' | 'inside the extension' | 'PATH';
}

/** What asking a file for its version brought: its standard output, why it gave none, or that there is no such file. */
export type Probe = { readonly output: string } | { readonly problem: string } | 'missing';

export interface Server extends Candidate {
  readonly version: string;
}

// The first version with octet/status and octet/inlineCompletionPartial.
const kOldest = [0, 1, 0] as const;

/** In the order in which they are tried. A file that the person names is the only one. */
export function candidates({ named, extensionFolder, path, home }: Places): Candidate[] {
  if (named !== '') {
    const file = named.startsWith('~/') ? join(home, named.slice(2)) : named;
    return [{ file, origin: 'octet.serverPath' }];
  }
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/'));
  return [
    { file: join(extensionFolder, 'server', 'octet'), origin: 'inside the extension' },
    ...folders.map((folder): Candidate => ({ file: join(folder, 'octet'), origin: 'PATH' })),
  ];
}

/** The version in the output of `octet --version`, or what is wrong with it. */
export function readVersion(output: string): { version: string } | { problem: string } {
  const match = /^octet (\d+)\.(\d+)\.(\d+)\b/.exec(output);
  if (match === null) return { problem: `is no octet: --version said '${output.trim().slice(0, 80)}'` };
  const found = match.slice(1, 4).map(Number);
  const version = found.join('.');
  const differing = kOldest.findIndex((number, i) => number !== found[i]);
  const isOlder = differing >= 0 && found[differing]! < kOldest[differing]!;
  return isOlder ? { problem: `is version ${version}, this extension needs ${kOldest.join('.')}` } : { version };
}

/** The first candidate that works. Otherwise a sentence with what each of those that are there lacks. */
export async function findServer(
  places: Places,
  probe: (file: string) => Promise<Probe>,
): Promise<{ server: Server } | { problem: string }> {
  const problems: string[] = [];
  for (const candidate of candidates(places)) {
    const answer = await probe(candidate.file);
    if (answer === 'missing') {
      if (candidate.origin === 'octet.serverPath') problems.push(`${candidate.file} (octet.serverPath) does not exist`);
      continue;
    }
    const read = 'output' in answer ? readVersion(answer.output) : answer;
    if ('version' in read) return { server: { ...candidate, version: read.version } };
    problems.push(`${candidate.file} (${candidate.origin}) ${read.problem}`);
  }
  if (problems.length > 0) return { problem: problems.join('; ') };
  return { problem: 'there is no octet inside this extension, nor in PATH; octet.serverPath can name one' };
}
