// The connection to the server: vscode-languageclient without what this extension does itself.
import { type Middleware, LanguageClient } from 'vscode-languageclient/node';
import { ConfigurationRequest, DidChangeConfigurationNotification, ExecuteCommandRequest, InlineCompletionRequest } from 'vscode-languageclient/node';
import { workspace } from 'vscode';
import { serverSection } from './settings';

/** Its documents are completed. */
export const kSelector = ['file', 'untitled', 'vscode-notebook-cell'].map((scheme) => ({ scheme }));

// Ghost text is the extension's own, so that it can grow; the server's commands have to be there also while the server is not.
const kOwn: string[] = [InlineCompletionRequest.method, ExecuteCommandRequest.method];

type Feature = Parameters<LanguageClient['registerFeature']>[0];

export class OctetClient extends LanguageClient {
  override registerFeature(feature: Feature): void {
    if ('registrationType' in feature && kOwn.includes(feature.registrationType.method)) return;
    super.registerFeature(feature);
  }

  /** The library stops a client that failed to start, and does not look whether that fails in its turn. */
  override stop(timeout?: number): Promise<void> {
    return super.stop(timeout).catch((error: unknown) => this.warn('stopping the server', error, /*showNotification=*/ false));
  }
}

export function readServerSection(): Record<string, unknown> {
  const configuration = workspace.getConfiguration('octet');
  return serverSection((name) => configuration.get(name));
}

/**
 * The server learns its own settings and no others; it asks for them when it hears that something changed. `client` gives the one that
 * can be told, `onRead` hears that the server reads them.
 */
export function settingsMiddleware(client: () => LanguageClient | undefined, onRead: () => void): Middleware {
  return {
    workspace: {
      configuration: (params, token, next: ConfigurationRequest.HandlerSignature) => {
        if (!params.items.every(({ section }) => section === 'octet')) return next(params, token);
        onRead();
        return params.items.map(() => readServerSection());
      },
      didChangeConfiguration: async () => client()?.sendNotification(DidChangeConfigurationNotification.type, { settings: null }),
    },
  };
}
