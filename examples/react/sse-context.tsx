// A React context as many frontends have it: a native EventSource on the gateway, listeners by event name, a toast for
// each alert, and a reconnect with exponential back-off. It works with Tocsin unchanged.
import { createContext, StrictMode, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

interface SseAlert {
  title: string;
  service: string;
  severity: string;
}
type Listener = (alert: SseAlert) => void;
interface SseContextValue {
  isConnected: boolean;
  lastAlert: SseAlert | null;
  addEventListener(type: string, listener: Listener): () => void;
}

const SSEContext = createContext<SseContextValue | null>(null);
const EVENT_TYPES = ['inventory_alert', 'notification'];

function showToast({ service, title }: SseAlert): void {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.textContent = `${service}: ${title}`;
  document.getElementById('toasts')!.append(toast);
}

export function SSEProvider({ token, children }: { token: string; children: ReactNode }): ReactNode {
  const [isConnected, setIsConnected] = useState(false);
  const [lastAlert, setLastAlert] = useState<SseAlert | null>(null);
  const listeners = useRef(new Map<string, Set<Listener>>());

  useEffect(() => {
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout>;
    let attempt = 0;
    const connect = () => {
      const protocol = window.location.protocol;
      const host = window.location.host;
      const sseUrl = `${protocol}//${host}/api/events?token=${encodeURIComponent(token)}`;
      console.log('Connecting to SSE endpoint:', sseUrl.split('?')[0]);
      source = new EventSource(sseUrl);
      source.onopen = () => {
        console.log('SSE connection opened');
        attempt = 0;
        setIsConnected(true);
      };
      source.onerror = () => {
        setIsConnected(false);
        if (source.readyState !== EventSource.CLOSED) return;
        retry = setTimeout(connect, Math.min(1000 * 2 ** attempt, 30_000));
        attempt += 1;
      };
      source.addEventListener('connection', ({ data }) => console.log('SSE connected', JSON.parse(data).verdict));
      source.addEventListener('heartbeat', () => undefined);
      for (const type of EVENT_TYPES) {
        source.addEventListener(type, ({ data }) => {
          const alert = JSON.parse(data) as SseAlert;
          setLastAlert(alert);
          showToast(alert);
          listeners.current.get(type)?.forEach((listener) => listener(alert));
        });
      }
    };
    connect();
    return () => {
      clearTimeout(retry);
      source.close();
    };
  }, [token]);

  const addEventListener = useCallback((type: string, listener: Listener) => {
    const set = listeners.current.get(type) ?? new Set();
    listeners.current.set(type, set.add(listener));
    return () => void set.delete(listener);
  }, []);

  return <SSEContext.Provider value={{ isConnected, lastAlert, addEventListener }}>{children}</SSEContext.Provider>;
}

export function useSSE(): SseContextValue {
  const context = useContext(SSEContext);
  if (!context) throw new Error('useSSE must be used within an SSEProvider');
  return context;
}

function Dashboard(): ReactNode {
  const { isConnected, addEventListener } = useSSE();
  const [alerts, setAlerts] = useState<SseAlert[]>([]);
  useEffect(() => {
    const ends = EVENT_TYPES.map((type) => addEventListener(type, (alert) => setAlerts((all) => [alert, ...all])));
    return () => ends.forEach((end) => end());
  }, [addEventListener]);
  return (
    <main>
      <p>{isConnected ? 'Connected' : 'Disconnected'}</p>
      <ul>
        {alerts.map(({ severity, service, title }, index) => (
          <li key={alerts.length - index}>{`${severity} ${service}: ${title}`}</li>
        ))}
      </ul>
    </main>
  );
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <SSEProvider token={localStorage.getItem('token') ?? ''}>
      <Dashboard />
    </SSEProvider>
  </StrictMode>,
);
