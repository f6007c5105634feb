// The bundled extension on the stub of the editor that the client tests have, with the real server: what each test starts from.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const kFolder = process.env['OCTET_EXTENSION_DIR'] ?? process.cwd();
const kClients = join(kFolder, '..', '..', 'tests', 'clients', 'node');

const load = createRequire(join(kFolder, 'package.json'));
export const vscode: any = load(join(kClients, 'vscode', 'vscode.cjs'));
const Module: any = load('node:module');
const loadModule = Module._load;
Module._load = (name: string, ...rest: unknown[]) => (name === 'vscode' ? vscode : loadModule(name, ...rest));
export const { user } = vscode;
export const record = user.record;

export interface Item {
  insertText: string;
  range: any;
  command: { command: string; arguments: unknown[] };
}

export interface Editor {
  readonly executed: string[];
  readonly context: Map<string, unknown>;
  readonly status: { text: string; tooltip: string };
  readonly log: string[];
  /** What the command of the editor does. */
  readonly onCommand: Map<string, () => unknown>;
}

/** Waits for what an event of another process makes true. */
export async function until(holds: () => unknown, what: string, limitMs = 30_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What is executed, shown and logged in the editor, whose extension is not started yet. */
export function prepareEditor(): Editor {
  const editor: Editor = { executed: [], context: new Map(), status: { text: '', tooltip: '' }, log: [], onCommand: new Map() };
  const line = (text: string): void => void editor.log.push(text);
  const channel = { logLevel: 3, onDidChangeLogLevel: () => new vscode.Disposable(), show() {}, dispose() {}, clear() {}, append: line,
    appendLine: line, trace: line, debug: line, info: line, warn: line, error: line };
  vscode.window.createOutputChannel = () => channel;
  vscode.window.createStatusBarItem = () => Object.assign(editor.status, { show() {}, dispose() {} });
  vscode.window.activeTextEditor = undefined;
  vscode.ConfigurationTarget = { Global: 1, Workspace: 2, WorkspaceFolder: 3 };
  vscode.commands.executeCommand = async (name: string, ...rest: unknown[]) => {
    if (name === 'setContext') return void editor.context.set(rest[0] as string, rest[1]);
    editor.executed.push(name);
    const own = record.commands.get(name);
    return own === undefined ? editor.onCommand.get(name)?.() : own(...rest);
  };
  const getConfiguration = vscode.workspace.getConfiguration;
  vscode.workspace.getConfiguration = (section: string) => ({
    ...getConfiguration(section),
    inspect: () => ({}),
    update: async (name: string, value: unknown) => user.configure(section, { ...settings, [name]: value }),
  });
  return editor;
}

let settings: Record<string, unknown> = {};

export function configure(values: Record<string, unknown>): void {
  settings = values;
  user.configure('octet', values);
}

/** Starts the extension; the test's end stops it. */
export async function start(t: TestContext, values: Record<string, unknown> = {}): Promise<Editor> {
  const editor = prepareEditor();
  configure({ serverPath: process.env['OCTET_BIN'], minConfidence: 0, ...values });
  const file = join(kFolder, 'out', 'extension.js');
  delete load.cache[file];
  const extension = load(file);
  const context = { subscriptions: [] as { dispose(): void }[], extensionPath: join(kFolder, 'out') };
  extension.activate(context);
  t.after(async () => {
    await extension.deactivate();
    for (const each of context.subscriptions) each.dispose();
    user.reset();
  });
  return editor;
}

export async function startReady(t: TestContext, values?: Record<string, unknown>): Promise<Editor> {
  assert.ok(process.env['OCTET_BIN'], 'OCTET_BIN names the octet binary to test');
  const editor = await start(t, values);
  await until(() => /ready/.test(editor.status.tooltip), 'a server that is ready').catch((error: unknown) => {
    throw new Error(`${String(error)}: ${editor.status.tooltip}\n${editor.log.join('\n')}`);
  });
  return editor;
}

export const kCircle = `class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self.`;

export function open(text = kCircle, uri = 'file:///repo/src/circle.py'): any {
  const document = user.open(uri, 'python', text);
  look(document);
  return document;
}

/** Puts the cursor of the active editor into a document. */
export function look(document: any, offset: number = document.getText().length): void {
  const active = document.positionAt(offset);
  vscode.window.activeTextEditor = { document, selection: { active } };
}

export function type(document: any, text: string, offset: number = document.getText().length): void {
  user.edit(document, offset, offset, text);
  look(document, offset + text.length);
}

export interface Asking {
  offset?: number;
  isInvoked?: boolean;
  token?: unknown;
  selected?: { range: unknown; text: string };
}

/** What the editor is given to show. */
export async function items(document: any, { offset, isInvoked = false, token, selected }: Asking = {}): Promise<Item[]> {
  const position = document.positionAt(offset ?? document.getText().length);
  const context = { triggerKind: isInvoked ? 0 : 1, selectedCompletionInfo: selected };
  const given = await record.providers[0].provideInlineCompletionItems(document, position, context, token ?? new vscode.CancellationTokenSource().token);
  return given ?? [];
}
