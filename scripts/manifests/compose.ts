import { parse } from 'yaml';
import { readText } from './deployed';

interface Service {
  image: string;
  command?: string[];
  ports?: string[];
  volumes?: string[];
  healthcheck: { test?: string[]; disable?: boolean };
  environment?: Record<string, unknown>;
  env_file?: { path: string; required: boolean }[];
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  restart?: string;
  profiles?: string[];
  read_only?: boolean;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

export const readCompose = (file: string) => parse(readText(file), { merge: true }) as Compose;
export const compose = readCompose('docker-compose.yml');
export const service = (name: string) => compose.services[name]!;
