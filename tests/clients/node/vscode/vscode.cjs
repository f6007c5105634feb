// The module `vscode` as far as vscode-languageclient touches it for a server that completes inline: documents, settings, folders, and
// a record of what the client registers and shows. What is not here is an empty class or does nothing.
'use strict';
const { TextDocument } = require('vscode-languageserver-textdocument');

class Disposable {
  #dispose;
  constructor(dispose = () => {}) {
    this.#dispose = dispose;
  }
  dispose() {
    this.#dispose();
  }
  static from(...all) {
    return new Disposable(() => all.forEach((each) => each.dispose()));
  }
}

class EventEmitter {
  #listeners = new Set();
  event = (listener, self, disposables) => {
    const bound = self === undefined ? listener : listener.bind(self);
    this.#listeners.add(bound);
    const disposable = new Disposable(() => this.#listeners.delete(bound));
    disposables?.push(disposable);
    return disposable;
  };
  fire(value) {
    for (const listener of [...this.#listeners]) listener(value);
  }
  dispose() {
    this.#listeners.clear();
  }
}

class CancellationTokenSource {
  #cancelled = new EventEmitter();
  token = { isCancellationRequested: false, onCancellationRequested: this.#cancelled.event };
  cancel() {
    this.token.isCancellationRequested = true;
    this.#cancelled.fire();
  }
  dispose() {}
}

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(...bounds) {
    const [start, end] = bounds.length === 2 ? bounds : [new Position(bounds[0], bounds[1]), new Position(bounds[2], bounds[3])];
    Object.assign(this, { start, end });
  }
}

class Uri {
  constructor(text) {
    this.text = text;
    this.scheme = text.slice(0, text.indexOf(':'));
    this.fsPath = this.path = decodeURIComponent(text.replace(/^[a-z-]+:(\/\/[^/]*)?/, ''));
  }
  toString() {
    return this.text;
  }
  static parse(text) {
    return new Uri(text);
  }
  static file(path) {
    return new Uri(`file://${path}`);
  }
}

class InlineCompletionItem {
  constructor(insertText, range, command) {
    Object.assign(this, { insertText, range, command });
  }
}

class InlineCompletionList {
  constructor(items) {
    this.items = items;
  }
}

/** `known`, and for any other name what `make` gives, once. */
function withRest(known, make) {
  return new Proxy(known, { get: (target, name) => (name in target || typeof name === 'symbol' ? target[name] : (target[name] = make(name))) });
}

const nothing = () => new Disposable();
const events = Object.fromEntries(
  ['Open', 'Close', 'Change', 'Save'].map((what) => [`onDid${what}TextDocument`, new EventEmitter()]).concat([
    ['onDidChangeWorkspaceFolders', new EventEmitter()],
    ['onDidChangeConfiguration', new EventEmitter()],
  ]),
);

/** What the editor is told; tests look here. */
const record = { providers: [], commands: new Map(), watchers: [], messages: [], progress: [] };

function listen(list, value) {
  list.push(value);
  return new Disposable(() => list.splice(list.indexOf(value), 1));
}

const settings = {};
function setting(path) {
  return path.split('.').reduce((at, name) => at?.[name], settings);
}

const workspace = withRest(
  {
    textDocuments: [],
    notebookDocuments: [],
    workspaceFolders: undefined,
    ...Object.fromEntries(Object.entries(events).map(([name, emitter]) => [name, emitter.event])),
    getConfiguration(section) {
      const full = (name) => (section === undefined || section === null ? name : `${section}.${name}`);
      return { get: (name, otherwise) => setting(full(name)) ?? otherwise, has: (name) => setting(full(name)) !== undefined };
    },
    createFileSystemWatcher(pattern) {
      const [created, changed, deleted] = [new EventEmitter(), new EventEmitter(), new EventEmitter()];
      const watcher = { pattern, created, changed, deleted };
      const disposable = listen(record.watchers, watcher);
      return { onDidCreate: created.event, onDidChange: changed.event, onDidDelete: deleted.event, dispose: () => disposable.dispose() };
    },
  },
  () => nothing,
);

const languages = withRest(
  {
    match: (selector, document) => (selector.some((filter) => (filter.language ?? document.languageId) === document.languageId) ? 10 : 0),
    registerInlineCompletionItemProvider: (selector, provider) => listen(record.providers, provider),
    createDiagnosticCollection: () => ({ set() {}, delete() {}, clear() {}, dispose() {} }),
  },
  () => nothing,
);

const say = (kind) => (text) => {
  record.messages.push({ kind, text });
  return Promise.resolve(undefined);
};
const window = withRest(
  {
    visibleTextEditors: [],
    activeTextEditor: undefined,
    tabGroups: { all: [], onDidChangeTabs: nothing },
    createOutputChannel: () => withRest({ logLevel: 3, onDidChangeLogLevel: nothing, lines: [] }, () => () => {}),
    showErrorMessage: say('error'),
    showWarningMessage: say('warning'),
    showInformationMessage: say('information'),
    withProgress(options, task) {
      const shown = { title: options.title, reports: [], is_done: false };
      record.progress.push(shown);
      const done = Promise.resolve(task({ report: (part) => shown.reports.push(part) }, new CancellationTokenSource().token));
      return done.finally(() => (shown.is_done = true));
    },
  },
  () => nothing,
);

/** A document that the editor has open. */
class EditorDocument {
  isClosed = false;
  isDirty = false;
  #text;
  constructor(uri, languageId, text) {
    this.uri = Uri.parse(uri);
    this.languageId = languageId;
    this.#text = TextDocument.create(uri, languageId, 1, text);
  }
  get version() {
    return this.#text.version;
  }
  getText(range) {
    return this.#text.getText(range);
  }
  offsetAt(position) {
    return this.#text.offsetAt(position);
  }
  positionAt(offset) {
    const { line, character } = this.#text.positionAt(offset);
    return new Position(line, character);
  }
  apply(changes) {
    TextDocument.update(this.#text, changes, this.version + 1);
  }
}

/** What a user does. */
const user = {
  record,
  open(uri, languageId, text) {
    const document = new EditorDocument(uri, languageId, text);
    workspace.textDocuments.push(document);
    events.onDidOpenTextDocument.fire(document);
    return document;
  },
  /** Replaces text from one offset to another. */
  edit(document, start, end, text) {
    const range = new Range(document.positionAt(start), document.positionAt(end));
    document.apply([{ range, text }]);
    events.onDidChangeTextDocument.fire({ document, contentChanges: [{ range, rangeOffset: start, rangeLength: end - start, text }] });
  },
  close(document) {
    document.isClosed = true;
    workspace.textDocuments.splice(workspace.textDocuments.indexOf(document), 1);
    events.onDidCloseTextDocument.fire(document);
  },
  save(document) {
    events.onDidSaveTextDocument.fire(document);
  },
  configure(section, value) {
    settings[section] = value;
    events.onDidChangeConfiguration.fire({ affectsConfiguration: (name) => name === section || name.startsWith(`${section}.`) });
  },
  setFolders(paths) {
    const before = workspace.workspaceFolders ?? [];
    const folders = paths.map((path, index) => ({ uri: Uri.file(path), name: path, index }));
    workspace.workspaceFolders = folders;
    const isIn = (list) => (folder) => list.some((other) => other.name === folder.name);
    events.onDidChangeWorkspaceFolders.fire({ added: folders.filter((f) => !isIn(before)(f)), removed: before.filter((f) => !isIn(folders)(f)) });
  },
  /** Nothing of the tests before is left. */
  reset() {
    for (const document of [...workspace.textDocuments]) user.close(document);
    for (const name of Object.keys(settings)) delete settings[name];
    workspace.workspaceFolders = undefined;
    record.messages.length = record.progress.length = 0;
  },
};

module.exports = withRest(
  {
    __esModule: true, // or the names that are made on demand are not seen
    version: '1.106.0',
    env: { appName: 'test', language: 'en', openExternal: () => Promise.resolve(true) },
    commands: { registerCommand: (name, run) => (record.commands.set(name, run), new Disposable(() => record.commands.delete(name))) },
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
    InlineCompletionTriggerKind: { Invoke: 0, Automatic: 1 },
    ProgressLocation: { SourceControl: 1, Window: 10, Notification: 15 },
    CodeActionKind: withRest({}, (name) => ({ value: name, append: (part) => ({ value: part }) })),
    CancellationError: class extends Error {},
    Disposable,
    EventEmitter,
    CancellationTokenSource,
    Position,
    Range,
    Uri,
    InlineCompletionItem,
    InlineCompletionList,
    workspace,
    languages,
    window,
    user,
  },
  () => withRest(class {}, (name) => name),
);
