// What the status bar says.

/** The params of octet/status, as far as they are shown. */
export interface ServerStatus {
  readonly state: 'disabled' | 'unloaded' | 'loading' | 'ready' | 'failed';
  readonly model: { readonly name: string; readonly profile: string } | null;
  readonly device: string | null;
  readonly message: string;
  readonly lastReason: string | null;
}

export interface Situation {
  readonly process: 'starting' | 'running' | 'stopped';
  /** Why it is stopped. */
  readonly failure?: string;
  readonly status?: ServerStatus;
  /** From the question to its first text. */
  readonly latencyMs?: number;
  /** Of the document that the person looks at. */
  readonly language?: string;
  readonly isLanguageDisabled?: boolean;
}

export interface StatusText {
  readonly text: string;
  readonly tooltip: string;
  readonly severity: 'normal' | 'warning' | 'error';
}

// A key that comes too soon is no reason that a person wants to see. The others are of a state that is over, or would be shown by itself.
const kPassing = new Set(['cancelled', 'superseded', 'model_loading', 'disabled', 'disabled_language']);

function details({ status, latencyMs }: Situation): string[] {
  const lines: string[] = [];
  if (status?.model) lines.push(`Model: ${status.model.name} (${status.model.profile})`);
  if (status?.device) lines.push(`Device: ${status.device}`);
  if (latencyMs !== undefined) lines.push(`Last completion: ${latencyMs < 10 ? latencyMs.toFixed(1) : Math.round(latencyMs)} ms`);
  return lines;
}

export function statusText(situation: Situation): StatusText {
  const { process, failure, status, language, isLanguageDisabled } = situation;
  const say = (icon: string, sentence: string, severity: StatusText['severity'] = 'normal'): StatusText => ({
    text: `$(${icon}) Octet`,
    tooltip: [`Octet: ${sentence}`, ...details(situation)].join('\n'),
    severity,
  });
  if (process === 'stopped') return say('error', failure ?? 'the server is stopped', failure === undefined ? 'warning' : 'error');
  if (process === 'starting' || status === undefined) return say('loading~spin', 'the server is being started');
  if (status.state === 'failed') return say('error', status.message, 'error');
  if (status.state === 'disabled') return say('circle-slash', status.message);
  if (isLanguageDisabled) return say('circle-slash', `off for ${language} (octet.disabledLanguages)`);
  if (status.state === 'loading') return say('loading~spin', status.message);
  if (status.state === 'unloaded') return say('zap', status.message);
  if (status.lastReason !== null && !kPassing.has(status.lastReason)) return say('zap', `nothing to show, ${status.message}`);
  return say('zap', 'ready');
}
