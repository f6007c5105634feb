// The server as a process: asking a file what it is, starting it, and how it ended.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { End } from './restart_policy';
import type { Probe } from './server_discovery';
import { readLogLine } from './server_log';

// A binary on a slow disk takes seconds the first time; one that hangs must not hang the editor.
const kProbeMs = 10_000;
// Between the end of a process's output and the news of its end.
const kEndMs = 500;

export function run(file: string, args: string[], limitMs: number): Promise<{ output: string; error?: Error }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: limitMs }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      resolve(error === null ? { output } : { output, error });
    });
  });
}

export async function probe(file: string): Promise<Probe> {
  try {
    await access(file, constants.F_OK);
  } catch {
    return 'missing';
  }
  const { output, error } = await run(file, ['--version'], kProbeMs);
  if (error === undefined) return { output };
  const reason = output.trim().split('\n').at(-1) ?? '';
  return { problem: `cannot be run: ${reason === '' ? error.message : reason}` };
}

/** One run of the server. */
export class ServerProcess {
  readonly child: ChildProcess;
  #lastWords = '';
  #ended: Promise<End>;

  constructor(file: string) {
    this.child = spawn(file, ['lsp', '--stdio'], { stdio: 'pipe' });
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null, signal: string | null): void => resolve({ code, signal, lastWords: this.#lastWords });
      this.child.on('error', (error) => {
        this.#lastWords = error.message;
        end(null, null);
      });
      this.child.on('exit', end);
    });
  }

  /** Hands on each line of standard error. */
  listen(stderr: Readable, write: (line: string) => void): void {
    createInterface(stderr).on('line', (line) => {
      if (line.trim() !== '') this.#lastWords = readLogLine(line.trim()).text;
      write(line);
    });
  }

  /** Ends it, if it does not end by itself. */
  async stop(): Promise<void> {
    if ((await this.end()) === undefined) this.child.kill();
  }

  /** Undefined where it has closed its output and lives on. */
  end(): Promise<End | undefined> {
    return Promise.race([this.#ended, sleep(kEndMs, undefined, { ref: false })]);
  }
}
