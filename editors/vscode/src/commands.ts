// The commands of package.json.
import { ConfigurationTarget, type Disposable, ProgressLocation, commands, languages, window, workspace } from 'vscode';
import { benchmark } from './benchmark';
import { kSelector } from './client';
import type { GhostText } from './ghost_text';
import { latencyReport } from './latency';
import { type Counts, type Explanation, explanationReport, statisticsReport } from './reports';
import { run } from './server_process';
import type { Session } from './session';
import { toggled } from './settings';

// `octet doctor` loads the model and measures.
const kDoctorMs = 60_000;

const kEditorCommands = {
  'octet.trigger': 'editor.action.inlineSuggest.trigger',
  'octet.accept': 'editor.action.inlineSuggest.commit',
  'octet.next': 'editor.action.inlineSuggest.showNext',
  'octet.previous': 'editor.action.inlineSuggest.showPrevious',
};

const kMenu: readonly (readonly [string, string])[] = [
  ['octet.toggle', '$(circle-slash) Turn completions on or off'],
  ['octet.toggleLanguage', '$(code) Turn completions on or off for this language'],
  ['octet.explain', '$(question) Explain the last completion'],
  ['octet.statistics.show', '$(graph) Statistics'],
  ['octet.showLog', '$(output) Log'],
  ['octet.benchmarkHere', '$(dashboard) Benchmark here'],
  ['octet.doctor', '$(pulse) Check this machine'],
  ['octet.forget', '$(trash) Forget this workspace'],
  ['octet.restart', '$(debug-restart) Restart the server'],
];

/** Where the value that counts was set, so that changing it has an effect. */
async function configure(name: string, value: unknown): Promise<void> {
  const configuration = workspace.getConfiguration('octet');
  const found = configuration.inspect(name);
  const target =
    found?.workspaceFolderValue !== undefined
      ? ConfigurationTarget.WorkspaceFolder
      : found?.workspaceValue !== undefined
        ? ConfigurationTarget.Workspace
        : ConfigurationTarget.Global;
  await configuration.update(name, value, target);
}

export function registerCommands(session: Session, ghostText: GhostText): Disposable[] {
  const { log } = session;
  const reports = window.createOutputChannel('Octet Report');
  const execute = async <T>(command: string): Promise<T | undefined> => {
    const answer = await session.client?.sendRequest<T>('workspace/executeCommand', { command });
    if (answer === undefined) void window.showWarningMessage(session.failure ?? 'Octet: the server is not running yet.');
    return answer;
  };
  const report = (text: string): void => {
    reports.clear();
    for (const line of text.split('\n')) reports.appendLine(line);
    reports.show(/*preserveFocus=*/ true);
  };

  const own: Record<string, (argument: unknown) => unknown> = {
    // An item was taken whole; the editor runs this by itself.
    'octet.acceptCompletion': (id) => (typeof id === 'number' ? ghostText.feedback.accepted(id) : undefined),
    'octet.acceptWord': () => ghostText.takePart('editor.action.inlineSuggest.acceptNextWord'),
    'octet.acceptLine': () => ghostText.takePart('editor.action.inlineSuggest.acceptNextLine'),
    'octet.dismiss': () => ghostText.dismiss(),
    'octet.toggle': () => configure('enabled', !workspace.getConfiguration('octet').get('enabled', true)),
    'octet.toggleLanguage': () => {
      const language = window.activeTextEditor?.document.languageId;
      if (language === undefined) return window.showInformationMessage('Octet: no file is open.');
      const languages = workspace.getConfiguration('octet').get<string[]>('disabledLanguages', []);
      return configure('disabledLanguages', toggled(languages, language));
    },
    'octet.restart': () => session.restart(),
    'octet.showLog': () => log.show(),
    'octet.statistics.show': async () => {
      const statistics = await execute<{ session: Counts; before: Counts }>('octet.statistics');
      if (statistics !== undefined) report(statisticsReport(statistics));
    },
    'octet.explain': async () => {
      const explanation = await session.client?.sendRequest<Explanation>('octet/explain');
      if (explanation !== undefined) report(explanationReport(explanation));
    },
    'octet.benchmarkHere': async () => {
      const document = window.activeTextEditor?.document;
      if (document === undefined || languages.match(kSelector, document) === 0) return window.showInformationMessage('Octet: no file is open.');
      const options = { location: ProgressLocation.Notification, title: 'Octet: benchmark', cancellable: true };
      const measured = await window.withProgress(options, (progress, token) => benchmark(session, document, progress, token));
      if (measured === undefined) return window.showWarningMessage(session.failure ?? 'Octet: the server is not running yet.');
      report(latencyReport(measured));
    },
    'octet.doctor': async () => {
      if (session.server === undefined) return report(session.failure ?? 'Octet has no server.');
      const { output, error } = await run(session.server.file, ['doctor'], kDoctorMs);
      report(error === undefined || output !== '' ? output.trimEnd() : error.message);
    },
    'octet.forget': async () => {
      const question = 'Forget what Octet remembers of the open folders, on the disk as well? It stays off until octet.workspaceMemory is changed.';
      if ((await window.showWarningMessage(question, { modal: true }, 'Forget')) !== 'Forget') return;
      const answer = await execute<{ forgotten: number }>('octet.forgetWorkspace');
      if (answer !== undefined) void window.showInformationMessage(`Octet forgot ${answer.forgotten} workspace(s).`);
    },
    'octet.menu': async () => {
      const items = kMenu.map(([command, label]) => ({ command, label }));
      const chosen = await window.showQuickPick(items, { placeHolder: 'Octet' });
      if (chosen !== undefined) await commands.executeCommand(chosen.command);
    },
  };
  return [
    reports,
    ...Object.entries(own).map(([name, handle]) => commands.registerCommand(name, handle)),
    ...Object.entries(kEditorCommands).map(([name, command]) => commands.registerCommand(name, () => commands.executeCommand(command))),
  ];
}
