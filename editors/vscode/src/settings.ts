// What the server is told of the person's settings.

/** Those of the server; the others are the extension's own. */
export const kServerSettings = [
  'enabled',
  'model',
  'device',
  'threads',
  'maxBytes',
  'multiline',
  'debounceMs',
  'disabledLanguages',
  'disabledGlobs',
  'minConfidence',
  'idleUnload',
  'logLevel',
  'workspaceMemory',
] as const;

export const kExtensionSettings = ['serverPath', 'streaming', 'trace.server'] as const;

/** The section `octet` for the server: it complains of names that it does not know, and an empty text means that nothing is set. */
export function serverSection(get: (name: string) => unknown): Record<string, unknown> {
  const section: Record<string, unknown> = {};
  for (const name of kServerSettings) {
    const value = get(name);
    if (value !== undefined && value !== null && value !== '') section[name] = value;
  }
  return section;
}

/** octet.disabledLanguages with a language in it, or without. */
export function toggled(languages: readonly string[], language: string): string[] {
  const others = languages.filter((each) => each !== language);
  return others.length < languages.length ? others : [...languages, language];
}
