// Puts the parts together.
import { type ExtensionContext, languages, window, workspace } from 'vscode';
import { kSelector } from './client';
import { registerCommands } from './commands';
import { GhostText } from './ghost_text';
import { OfferFeedback } from './offer_feedback';
import { Session } from './session';
import { StatusBar } from './status_bar';

let running: Session | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('Octet', { log: true });
  const session = new Session(context, log);
  running = session;
  const statusBar = new StatusBar(session);
  // A server that ends meanwhile needs no news.
  const notify = (method: string, params: object): void => void session.client?.sendNotification(method, params).catch(() => {});
  const itemOf = (token: string): object => ({ command: { title: '', command: 'octet.acceptCompletion', arguments: [token] } });
  const feedback = new OfferFeedback({
    shown: (token) => notify('textDocument/didShowCompletion', { item: itemOf(token) }),
    acceptedPartly: (token, acceptedLength) =>
      notify('textDocument/didPartiallyAcceptCompletion', { item: itemOf(token), acceptedLength }),
    accepted: (token) =>
      void session.client?.sendRequest('workspace/executeCommand', { command: 'octet.acceptCompletion', arguments: [token] }).catch(() => {}),
  });
  const ghostText = new GhostText(
    { request: (method, params, token) => session.client?.sendRequest(method, params, token) },
    feedback,
    (ms) => statusBar.setLatency(ms),
    (isEmpty) => void session.onAnswer(isEmpty),
  );
  context.subscriptions.push(
    log,
    statusBar,
    ...registerCommands(session, ghostText),
    session.onPart((part) => ghostText.onPart(part)),
    session.onDidChange(() => statusBar.update()),
    session.onDidChangeSettings(() => ghostText.forget()),
    languages.registerInlineCompletionItemProvider(kSelector, ghostText),
    workspace.onDidChangeTextDocument((event) => ghostText.onChange(event)),
    window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === window.activeTextEditor && languages.match(kSelector, textEditor.document) > 0) ghostText.onCursor(textEditor);
    }),
    window.onDidChangeActiveTextEditor((editor) => {
      statusBar.update();
      if (editor !== undefined) notify('textDocument/didFocus', { textDocument: { uri: editor.document.uri.toString() } });
    }),
    workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration('octet')) return;
      ghostText.forget();
      statusBar.update();
      if (session.isOutdated) void session.restart();
    }),
  );
  void session.start(); // says itself what fails
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}
