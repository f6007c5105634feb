import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kExtensionSettings, kServerSettings, serverSection, toggled } from '../src/settings';

const kFolder = process.env['OCTET_EXTENSION_DIR'] ?? process.cwd();
const kRepository = join(kFolder, '..', '..');

interface Property {
  type: string;
  default: unknown;
  description?: string;
  markdownDescription?: string;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

const manifest = JSON.parse(readFileSync(join(kFolder, 'package.json'), 'utf8'));
const properties: Record<string, Property> = manifest.contributes.configuration.properties;

/** The rows `octet.name` | default of README.md. */
function documented(): Map<string, unknown> {
  const readme = readFileSync(join(kRepository, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `octet\.(\w+)` \| `?(.*?)`? \|/gm)];
  return new Map(rows.map(([, name, value]) => [name!, JSON.parse(value!)]));
}

function source(file: string): string {
  return readFileSync(join(kRepository, 'lsp', file), 'utf8');
}

test('the editor offers the settings that README.md documents, with their defaults', () => {
  const rows = documented();
  assert.ok(rows.size >= 13, `README.md documents ${rows.size} settings`);
  assert.deepEqual([...rows.keys()].sort(), [...kServerSettings].sort());
  for (const [name, value] of rows) assert.deepEqual(properties[`octet.${name}`]?.default, value, name);
});

test('they are those that the server reads', () => {
  const read = [...source('settings.cpp').matchAll(/^ {6}\{"(\w+)",/gm)].map(([, name]) => name!);
  assert.deepEqual(read.sort(), [...kServerSettings].sort());
});

test('every setting of the manifest is known to the server or the extension, and is described', () => {
  const known = [...kServerSettings, ...kExtensionSettings].map((name) => `octet.${name}`);
  assert.deepEqual(Object.keys(properties).sort(), known.sort());
  for (const [name, property] of Object.entries(properties)) {
    assert.ok((property.description ?? property.markdownDescription ?? '').length > 20, name);
  }
});

test('the limits of numbers are the server\'s', () => {
  const constant = (name: string): number => {
    const match = new RegExp(`${name} = ([0-9 *]+);`).exec(source('settings.h'));
    assert.ok(match, name);
    return match[1]!.split('*').reduce((product, factor) => product * Number(factor), 1);
  };
  const limits = { threads: [0, constant('kMaxThreads')], maxBytes: [1, constant('kMaxCompletionBytes')],
    debounceMs: [0, constant('kMaxDebounceMs')], idleUnload: [0, constant('kMaxIdleUnloadMinutes')], minConfidence: [0, 1] };
  for (const [name, [minimum, maximum]] of Object.entries(limits)) {
    const property = properties[`octet.${name}`]!;
    assert.deepEqual([property.minimum, property.maximum], [minimum, maximum], name);
  }
});

test('the names that may be chosen are the server\'s', () => {
  for (const name of ['device', 'logLevel']) {
    const match = new RegExp(`"${name}",[^}]*one_of\\(v, \\{([^}]*)\\}`).exec(source('settings.cpp'));
    const names = match![1]!.split(',').map((quoted) => JSON.parse(quoted));
    assert.deepEqual(properties[`octet.${name}`]!.enum, ['', ...names], name);
  }
  assert.deepEqual(properties['octet.multiline']!.enum, ['auto', 'always', 'never']);
});

test('the server is not told of what is not set, nor of what is not its own', () => {
  const values: Record<string, unknown> = { enabled: false, model: '', device: '', threads: 0, serverPath: '/x', disabledGlobs: [], logLevel: null };
  assert.deepEqual(serverSection((name) => values[name]), { enabled: false, threads: 0, disabledGlobs: [] });
});

test('a workspace that is not trusted cannot name programs or files', () => {
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, 'limited');
  assert.deepEqual(restrictedConfigurations, ['octet.serverPath', 'octet.model']);
});

test('toggling a language twice changes nothing', () => {
  assert.deepEqual(toggled(['a'], 'b'), ['a', 'b']);
  assert.deepEqual(toggled(['a', 'b'], 'b'), ['a']);
  assert.deepEqual(toggled(toggled(['a'], 'b'), 'b'), ['a']);
});
