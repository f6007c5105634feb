// Lines of the server's log, for a channel that has levels and times of its own.

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

// The server's names of its levels.
const kLevels: Record<string, Level> = { trace: 'trace', debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'error' };

/** What is no line of the log, as what the system says when it cannot start the server, is an error. */
export function readLogLine(line: string): { level: Level; text: string } {
  const match = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ ([a-z]+) (.*)$/.exec(line);
  const level = match === null ? undefined : kLevels[match[1]!];
  return level === undefined ? { level: 'error', text: line } : { level, text: match![2]! };
}
