import { createRoot } from 'react-dom/client';
import { AlertStreamProvider, useAlerts } from '@tocsin/react-client';

function Alerts() {
  const { alerts } = useAlerts({ status: ['firing'] });
  return (
    <ul>
      {alerts.map((alert) => (
        <li key={alert.alert_id}>
          {alert.severity} {alert.title}
        </li>
      ))}
    </ul>
  );
}

const token = () => localStorage.getItem('token');
createRoot(document.getElementById('root')!).render(
  <AlertStreamProvider token={token}>
    <Alerts />
  </AlertStreamProvider>,
);
