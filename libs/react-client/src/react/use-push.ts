'use client';

import { useCallback, useEffect, useState } from 'react';
import { pushStatus, subscribeToPush, unsubscribeFromPush, type PushOptions, type PushStatus } from '../push/push-api';
import { useClient } from './provider';

export interface Push {
  /** Undefined until it is known, and when the server cannot be reached. */
  status: PushStatus | undefined;
  /** Whether a change is under way. */
  pending: boolean;
  /** Turns it on; call it from a click. Never rejects: a failure leaves the status as it was, and `error` says why. */
  turnOn(): Promise<void>;
  turnOff(): Promise<void>;
  error: unknown;
}

/** Whether alerts are shown in this browser while the page is closed. A subscription is renewed when the page opens. */
export function usePush(options: PushOptions = {}): Push {
  const { api } = useClient();
  const key = JSON.stringify(options);
  const [status, setStatus] = useState<PushStatus>();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const run = useCallback(async (work: () => Promise<PushStatus>) => {
    setPending(true);
    try {
      setStatus(await work());
      setError(null);
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }, []);

  useEffect(() => {
    const told = JSON.parse(key) as PushOptions;
    void run(async () => {
      const now = await pushStatus(api, told);
      // permission was given before, so nothing is asked
      return now === 'on' ? subscribeToPush(api, told) : now;
    });
  }, [api, key, run]);

  return {
    status,
    pending,
    error,
    turnOn: useCallback(() => run(() => subscribeToPush(api, JSON.parse(key) as PushOptions)), [api, key, run]),
    turnOff: useCallback(() => run(() => unsubscribeFromPush(api, JSON.parse(key) as PushOptions)), [api, key, run]),
  };
}
