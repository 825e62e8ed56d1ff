'use client';

import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { AlertStream } from '../alert-stream';
import { AlertStore } from '../alerts/alert-store';
import { AlertsApi } from '../alerts/alerts-api';
import { SeenAlerts } from '../alerts/seen-alerts';
import { ShownReports } from '../alerts/shown-reports';
import type { AlertStreamOptions } from '../stream/options';
import { apiUrlOf } from '../stream/stream-url';

/** The objects that all hooks share. */
interface Client {
  stream: AlertStream;
  api: AlertsApi;
  store: AlertStore;
  seen: SeenAlerts;
  /** Undefined: nothing is reported. */
  shown: ShownReports | undefined;
}

const ClientContext = createContext<Client | null>(null);

export interface AlertStreamProviderProps extends AlertStreamOptions {
  children?: ReactNode;
}

/**
 * Gives the alerts of the signed-in user to the components inside it. It reads its options once: another `key` makes
 * another stream. It connects when it is mounted and disconnects when it is unmounted; on a server it does neither.
 */
export function AlertStreamProvider({ children, ...options }: AlertStreamProviderProps): ReactNode {
  // this opens nothing, so it does no harm that Strict Mode runs it twice
  const [client] = useState(() => clientOf(options));
  useEffect(() => {
    const ends = [client.store.attach(), client.seen.attach(), client.shown?.attach()];
    client.stream.open();
    return () => {
      client.stream.close();
      ends.forEach((end) => end?.());
    };
  }, [client]);
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>;
}

function clientOf(options: AlertStreamOptions): Client {
  const stream = new AlertStream(options);
  const api = new AlertsApi(apiUrlOf(options), stream.credential, options.fetch);
  const isFiltered = Object.values(options.filter ?? {}).some((condition) => condition !== undefined);
  return {
    stream,
    api,
    store: new AlertStore(api, stream),
    seen: new SeenAlerts(api, stream, isFiltered),
    shown: options.reportShown ? new ShownReports(api, stream) : undefined,
  };
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error('Put an <AlertStreamProvider> around the components that use alerts.');
  return client;
}
