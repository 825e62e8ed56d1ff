import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Makes a certificate for `localhost` that only the test trusts, for a few days, and returns where it and its key are.
 */
export function selfSigned(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '5', '-keyout', key, '-out', cert];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
  return { key, cert };
}
