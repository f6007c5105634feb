// The item in the status bar.
import { type Disposable, StatusBarAlignment, ThemeColor, window, workspace } from 'vscode';
import type { Session } from './session';
import { type Situation, statusText } from './status_text';

const kColours = { normal: undefined, warning: 'statusBarItem.warningBackground', error: 'statusBarItem.errorBackground' } as const;

export class StatusBar implements Disposable {
  readonly #item = window.createStatusBarItem('octet.status', StatusBarAlignment.Right, 100);
  #latencyMs: number | undefined;

  constructor(private readonly session: Session) {
    this.#item.name = 'Octet';
    this.#item.command = 'octet.menu';
    this.update();
    this.#item.show();
  }

  setLatency(ms: number): void {
    this.#latencyMs = ms;
    this.update();
  }

  update(): void {
    const language = window.activeTextEditor?.document.languageId;
    const disabled = workspace.getConfiguration('octet').get<string[]>('disabledLanguages', []);
    const situation: Situation = {
      process: this.session.state,
      isLanguageDisabled: language !== undefined && disabled.includes(language),
      ...(this.session.failure !== undefined && { failure: this.session.failure }),
      ...(this.session.status !== undefined && { status: this.session.status }),
      ...(this.#latencyMs !== undefined && { latencyMs: this.#latencyMs }),
      ...(language !== undefined && { language }),
    };
    const { text, tooltip, severity } = statusText(situation);
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: tooltip.split('\n')[0]! };
    const colour = kColours[severity];
    this.#item.backgroundColor = colour === undefined ? undefined : new ThemeColor(colour);
  }

  dispose(): void {
    this.#item.dispose();
  }
}
