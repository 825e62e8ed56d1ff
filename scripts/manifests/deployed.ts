import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
export const readText = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

/** The apps with their ports. */
export const APPS = {
  gateway: { http: 8000, admin: 9090 },
  'alert-processor': { admin: 9091 },
  notifier: { admin: 9092 },
} as const;

/** The command with which every way to deploy is tried; `--url` and further options follow. */
export const SMOKE = ['node', 'dist/apps/cli/src/main.js', 'bench', '--count', '1'];

export const NGINX = 'nginx.ingress.kubernetes.io/';
export const STREAM_ANNOTATIONS = {
  [`${NGINX}proxy-buffering`]: 'off',
  [`${NGINX}proxy-http-version`]: '1.1',
  [`${NGINX}proxy-read-timeout`]: '3600',
  [`${NGINX}proxy-send-timeout`]: '3600',
  [`${NGINX}proxy-connect-timeout`]: '60',
};
