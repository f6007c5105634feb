// The server of this window: found, started, watched, and started again when it dies.
import { homedir } from 'node:os';
import { type ExtensionContext, type LogOutputChannel, EventEmitter, window, workspace } from 'vscode';
import { CloseAction, ErrorAction, State } from 'vscode-languageclient/node';
import { OctetClient, kSelector, readServerSection, settingsMiddleware } from './client';
import type { Part } from './growth';
import { RestartPolicy, describeEnd, describeGivingUp } from './restart_policy';
import { type Server, findServer } from './server_discovery';
import { readLogLine } from './server_log';
import { ServerProcess, probe } from './server_process';
import type { ServerStatus } from './status_text';

export type ProcessState = 'starting' | 'running' | 'stopped';

function namedServer(): string {
  return workspace.getConfiguration('octet').get<string>('serverPath', '').trim();
}

export class Session {
  state: ProcessState = 'stopped';
  failure: string | undefined;
  status: ServerStatus | undefined;
  server: Server | undefined;
  readonly #changed = new EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  readonly #grew = new EventEmitter<Part>();
  readonly onPart = this.#grew.event;
  readonly #settingsChanged = new EventEmitter<void>();
  readonly onDidChangeSettings = this.#settingsChanged.event;
  readonly #policy = new RestartPolicy();
  /** What the server knows of them, as JSON. */
  #settingsRead = '';
  /** octet.serverPath when the server was looked for. */
  #named = '';
  #client: OctetClient | undefined;
  #process: ServerProcess | undefined;
  // Starts and stops one after the other, in the order in which they were asked for.
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: ExtensionContext,
    readonly log: LogOutputChannel,
  ) {}

  /** The connection, while it can be used. */
  get client(): OctetClient | undefined {
    return this.state === 'running' ? this.#client : undefined;
  }

  /** Whether the settings name another server than the one that was looked for. */
  get isOutdated(): boolean {
    return this.#named !== namedServer();
  }

  /** A question was answered: why there is nothing is asked for, as the server tells by itself only of what it computed. */
  async onAnswer(isEmpty: boolean): Promise<void> {
    const { client, status } = this;
    if (client === undefined || (!isEmpty && status?.lastReason === null)) return;
    if (isEmpty || status === undefined) return this.#askStatus();
    this.status = { ...status, lastReason: null };
    this.#changed.fire();
  }

  start(): Promise<void> {
    return this.#next(() => this.#start());
  }

  /** The person wants it: earlier deaths are forgotten, and the binary is looked for again. */
  restart(): Promise<void> {
    return this.#next(async () => {
      this.#policy.reset();
      await this.#stop();
      await this.#start();
    });
  }

  stop(): Promise<void> {
    return this.#next(() => this.#stop());
  }

  #next(step: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(step).catch((error: unknown) => this.#fail(String(error)));
    return this.#last;
  }

  #become(state: ProcessState): void {
    this.state = state;
    if (state !== 'running') this.status = undefined;
    if (state !== 'stopped') this.failure = undefined;
    this.#changed.fire();
  }

  #fail(problem: string): void {
    this.log.error(problem);
    this.failure = problem;
    this.#become('stopped');
  }

  async #start(): Promise<void> {
    this.#become('starting');
    this.#named = namedServer();
    const places = { named: this.#named, extensionFolder: this.context.extensionPath, path: process.env['PATH'] ?? '', home: homedir() };
    const found = await findServer(places, probe);
    if ('problem' in found) {
      this.#fail(`Octet has no server: ${found.problem}`);
      void window.showErrorMessage(this.failure!);
      return;
    }
    this.server = found.server;
    this.log.info(`octet ${found.server.version}: ${found.server.file} (${found.server.origin})`);
    this.#client = this.#connect(found.server.file);
    try {
      await this.#client.start();
    } catch (error) {
      const client = this.#client;
      this.#client = undefined;
      if (this.failure === undefined) this.#fail(`Octet did not start: ${describeEnd(await this.#process?.end())} (${String(error)})`);
      await client.dispose().catch(() => {});
      await this.#process?.stop();
    }
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await client.dispose().catch((error: unknown) => this.log.warn(`stopping the server: ${String(error)}`));
    await this.#process?.stop(); // the library leaves alone what it is still starting
    this.#become('stopped');
  }

  #connect(file: string): OctetClient {
    const spawned = async (): Promise<ServerProcess['child']> => (this.#process = new ServerProcess(file)).child;
    const client: OctetClient = new OctetClient('octet', 'Octet', spawned, {
      documentSelector: kSelector,
      initializationOptions: { octet: { ...this.#readSettings(), streaming: true, status: true } },
      synchronize: { configurationSection: 'octet' },
      middleware: settingsMiddleware(
        () => (this.isOutdated ? undefined : this.client),
        () => this.#onSettingsRead(),
      ),
      outputChannel: this.log,
      stdioOptions: {
        stdout: () => {}, // the protocol
        stderr: (stream) => this.#process?.listen(stream, (line) => this.#logLine(line)),
      },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.#onClosed(client),
      },
    });
    client.onNotification('octet/status', (status: ServerStatus) => {
      this.status = status;
      this.#changed.fire();
    });
    client.onNotification('octet/inlineCompletionPartial', (part: Part) => this.#grew.fire(part));
    client.onDidChangeState(({ newState }) => {
      if (client !== this.#client) return;
      if (newState !== State.Running) return;
      this.#become('running');
      void this.#askStatus(); // what it told before the library listened is lost
    });
    return client;
  }

  #readSettings(): Record<string, unknown> {
    const section = readServerSection();
    this.#settingsRead = JSON.stringify(section);
    return section;
  }

  /** What was asked before the server knew of a change has an answer of other settings. */
  #onSettingsRead(): void {
    const before = this.#settingsRead;
    this.#readSettings();
    if (this.#settingsRead !== before) this.#settingsChanged.fire();
  }

  async #askStatus(): Promise<void> {
    const client = this.#client;
    try {
      const status = await client?.sendRequest<ServerStatus>('octet/status');
      if (client === undefined || client !== this.client) return;
      this.status = status;
      this.#changed.fire();
    } catch (error) {
      // That the server ended is told elsewhere. Otherwise the next answer has it asked again.
      if (client === this.client) this.log.warn(`asking for the state of the server: ${String(error)}`);
    }
  }

  #logLine(line: string): void {
    const { level, text } = readLogLine(line);
    this.log[level](text);
  }

  async #onClosed(client: OctetClient): Promise<{ action: CloseAction; message: string; handled: boolean }> {
    const end = await this.#process?.end();
    if (client !== this.#client) return { action: CloseAction.DoNotRestart, message: describeEnd(end), handled: true };
    if (this.#policy.mayRestart(Date.now())) {
      this.log.warn(`${describeEnd(end)}; it is started again`);
      this.#become('starting');
      return { action: CloseAction.Restart, message: describeEnd(end), handled: true };
    }
    this.#fail(describeGivingUp(end));
    void window.showErrorMessage(this.failure!, 'Restart', 'Show Log').then((choice) => {
      if (choice === 'Restart') void this.restart();
      if (choice === 'Show Log') this.log.show();
    });
    return { action: CloseAction.DoNotRestart, message: this.failure!, handled: true };
  }
}
