import { type Client, createClient } from 'graphql-ws';
import { stringifyDocument } from 'urql';
import { LineageChangedDocument, type Window } from '../gql/graphql';

/** What a subscriber hears: which version the answer of its window has, and whether it can hear of another. */
export interface Listener {
  version(v: string): void;
  connected(is: boolean): void;
}

/** Who tells of changes. Tests have their own. */
export type Listen = (window: Window, to: Listener) => () => void;

/** How long to wait before the nth try to connect again, in milliseconds: longer each time, and not all pages at once. */
export function patience(tries: number, random: () => number = Math.random): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(tries, 5)) * (0.5 + random() / 2);
}

const document = stringifyDocument(LineageChangedDocument);

let shared: Client | undefined;

/** One websocket for the whole page; it is there while anything is listened to. */
function socket(): Client {
  shared ??= createClient({
    url: () => `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/graphql`,
    lazy: true,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (tries) => new Promise((done) => setTimeout(done, tries === 0 ? 0 : patience(tries))),
    // Whatever ended it: a server that restarts, a network that is away, a right that has to be shown again.
    shouldRetry: () => true,
    keepAlive: 30_000,
  });
  return shared;
}

/** Listens to the changes of a window's answer until the function that it returns is called. */
export const listen: Listen = (window, to) => {
  const client = socket();
  const off = client.on('closed', () => to.connected(false));
  const end = client.subscribe<{ lineageChanged: { version: string } }>(
    { query: document, variables: { window } },
    {
      next: ({ data }) => {
        to.connected(true);
        if (data) to.version(data.lineageChanged.version);
      },
      // Refused: there are too many, or the window makes no sense, which the question itself says.
      error: () => to.connected(false),
      complete: () => to.connected(false),
    },
  );
  return () => {
    off();
    end();
  };
};
