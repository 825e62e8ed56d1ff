/** What a click on a notification asks an open page to show. */
export interface PushClick {
  /** Null: the notification belongs to no alert. */
  alertId: string | null;
  tenantId: string;
}

/**
 * Calls `open` when the user clicks a notification while this page is open. The page shows the alert itself then;
 * without a listener the service worker loads the page anew at the alert's address. Returns a function that removes the
 * listener.
 */
export function onPushClick(open: (click: PushClick) => void): () => void {
  if (typeof navigator === 'undefined' || !('serviceWorker' in navigator)) return () => undefined;
  const hear = ({
    data,
    ports,
  }: MessageEvent<{ type?: unknown; alert_id: string | null; tenant_id: string } | null>) => {
    if (data?.type !== 'tocsin:open-alert') return;
    ports[0]?.postMessage('opened');
    open({ alertId: data.alert_id, tenantId: data.tenant_id });
  };
  navigator.serviceWorker.addEventListener('message', hear);
  return () => navigator.serviceWorker.removeEventListener('message', hear);
}
