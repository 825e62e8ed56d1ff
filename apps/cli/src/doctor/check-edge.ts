import { connect, type DetailedPeerCertificate } from 'node:tls';
import { get, type Answered } from './get';
import { found, type Checked, type Finding } from './findings';

const HANDSHAKE_TIMEOUT_MS = 5_000;
const DAY_MS = 86_400_000;
/** Certificates are renewed a month before their end where that is automatic. */
const RENEWED_DAYS = 14;
const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(host);

/** Whether clients can trust the connection, and open many streams over it. Sends no credential. */
export async function checkTransport(base: URL): Promise<Checked> {
  if (base.protocol === 'http:') {
    const findings = isLoopback(base.hostname)
      ? []
      : [found('not_encrypted', `${base.origin} is read without encryption.`)];
    return { check: 'transport', seen: 'http', findings };
  }
  const handshake = await shakeHands(base);
  if ('error' in handshake) {
    const detail = `No TLS connection to ${base.host} (${handshake.error}).`;
    return { check: 'transport', findings: [found('unreachable', detail)] };
  }
  const { protocol, untrusted, endsAtMs } = handshake;
  const days = Math.floor((endsAtMs - Date.now()) / DAY_MS);
  const findings: Finding[] = [
    ...(untrusted ? [found('certificate_untrusted', `The certificate is not trusted: ${untrusted}.`)] : []),
    ...(days < RENEWED_DAYS ? [found('certificate_expires', `The certificate ends in ${days} days.`)] : []),
    ...(protocol === 'h2' ? [] : [found('http1_only', `${base.host} offers no HTTP/2.`)]),
  ];
  return { check: 'transport', seen: `TLS, ${protocol}, the certificate ends in ${days} days`, findings };
}

interface Handshake {
  protocol: string;
  untrusted: string | undefined;
  endsAtMs: number;
}

function shakeHands(base: URL): Promise<Handshake | { error: string }> {
  return new Promise((resolve) => {
    const host = base.hostname.replace(/^\[|\]$/g, '');
    const socket = connect({
      host,
      port: Number(base.port || 443),
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ALPNProtocols: ['h2', 'http/1.1'],
      // looked at here, and nothing is sent
      rejectUnauthorized: false,
    });
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.once('secureConnect', () => {
      const { valid_to } = socket.getPeerCertificate() as DetailedPeerCertificate;
      const { authorized, authorizationError, alpnProtocol } = socket;
      resolve({
        protocol: alpnProtocol || 'http/1.1',
        untrusted: authorized ? undefined : String(authorizationError),
        endsAtMs: Date.parse(valid_to),
      });
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
  });
}

/** Whether the public address shows what is for operators. */
export async function checkExposure(base: URL): Promise<Checked> {
  const exposed: string[] = [];
  const unanswered: string[] = [];
  for (const path of ['metrics', 'health']) {
    const answer = await get(new URL(path, base));
    if ('error' in answer) unanswered.push(`/${path} was not answered (${answer.error})`);
    else if (/tocsin_build_info|"dependencies":/.test(answer.body)) exposed.push(`/${path}`);
  }
  if (exposed.length === 0 && unanswered.length > 0)
    return { check: 'exposure', skipped: unanswered.join(', '), findings: [] };
  return {
    check: 'exposure',
    seen: 'the public address shows no metrics and no health',
    findings: exposed.length > 0 ? [found('admin_exposed', `${base.origin} shows ${exposed.join(' and ')}.`)] : [],
  };
}

/** Whether a page of this origin may read the gateway: by a preflight, and by a request. */
export async function checkCors(base: URL, origin: string | undefined): Promise<Checked> {
  if (origin === undefined) return { check: 'cors', skipped: 'give the --origin of your page', findings: [] };
  const target = new URL('api/events', base);
  const preflight = await get(target, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  });
  const plain = await get(new URL('api/v1/alerts', base), { headers: { origin } });
  const findings = [judge('A preflight', preflight, origin), judge('A request', plain, origin)].flat();
  const unanswered = [preflight, plain].find((answer) => 'error' in answer);
  if (findings.length === 0 && unanswered)
    return { check: 'cors', skipped: `${base.host} did not answer (${unanswered.error})`, findings: [] };
  return { check: 'cors', seen: `${origin} is allowed`, findings: findings.slice(0, 1) };
}

function judge(what: string, answer: Answered | { error: string }, origin: string): Finding[] {
  if ('error' in answer) return [];
  const allowed = answer.headers['access-control-allow-origin'] ?? [];
  if (allowed.length > 1 || allowed[0]?.includes(','))
    return [found('cors_duplicated', `${what} from ${origin} is answered with two allowed origins.`)];
  if (allowed[0] === origin || allowed[0] === '*') return [];
  return [found('cors_refused', `${what} from ${origin} is not allowed.`)];
}
