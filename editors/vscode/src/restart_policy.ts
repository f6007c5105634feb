// How often a server that dies is started again.

export const kMaxRestarts = 4;
export const kPeriodMs = 3 * 60_000;

/** Remembers the restarts of the last minutes. */
export class RestartPolicy {
  #restarts: number[] = [];

  /** The server died at `now` (milliseconds of any clock): whether it may be started again. Counts the restart where it may. */
  mayRestart(now: number): boolean {
    this.#restarts = this.#restarts.filter((at) => now - at < kPeriodMs);
    if (this.#restarts.length >= kMaxRestarts) return false;
    this.#restarts.push(now);
    return true;
  }

  /** The person started it: what was before does not count. */
  reset(): void {
    this.#restarts = [];
  }
}

/** How a process ended, as node tells it. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last line on its standard error. */
  readonly lastWords: string;
}

/** One sentence for a person. */
export function describeEnd(end: End | undefined): string {
  if (end === undefined) return 'the connection to the server broke';
  const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
  return end.lastWords === '' ? `the server ${how}` : `the server ${how}: ${end.lastWords}`;
}

export function describeGivingUp(end: End | undefined): string {
  return `Octet stopped: ${describeEnd(end)}. It had been restarted ${kMaxRestarts} times in ${kPeriodMs / 60_000} minutes.`;
}
