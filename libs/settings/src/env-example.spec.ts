import { z } from 'zod';
import { envExample } from './env-example';
import { onOff, setting } from './settings';

const LOG_LEVEL = setting(z.string().default('info'), { description: 'How much is logged.' });
const adminPort = (port: number) => setting(z.coerce.number().default(port), { description: 'The port for probes.' });

const text = envExample({
  gateway: {
    LOG_LEVEL,
    ADMIN_PORT: adminPort(9_090),
    REDIS_URL: setting(z.string().optional(), { description: 'Where the hints go.' }),
    STREAM_QUERY_TOKEN: setting(onOff.default(true), { description: 'allow or deny.' }),
    CORS_ORIGINS: setting(
      z
        .string()
        .default('')
        .transform((list) => list.split(',').filter(Boolean)),
      { description: 'Origins.', example: 'http://localhost:3000' },
    ),
  },
  'alert-processor': {
    LOG_LEVEL,
    ADMIN_PORT: adminPort(9_091),
    REDIS_URL: setting(z.string(), { description: 'Where the hints go.' }),
    DATABASE_URL: setting(z.string(), {
      description: 'Where the log is.',
      secret: true,
      example: 'postgres://user:password@host/db',
    }),
  },
});

test('a setting that every app reads stands once, under all of them', () => {
  expect(text.match(/LOG_LEVEL=/g)).toHaveLength(1);
  expect(text).toMatch(/# ---- every app\n\n# How much is logged\.\n#LOG_LEVEL=info\n/);
});

test('a default that differs between apps is told for each', () => {
  expect(text).toContain('# The port for probes. (default: gateway 9090, alert-processor 9091)\n#ADMIN_PORT=9090\n');
});

test('a switch is on or off, a list shows its example', () => {
  expect(text).toContain('#STREAM_QUERY_TOKEN=on\n');
  expect(text).toContain('#CORS_ORIGINS=http://localhost:3000\n');
});

test('a secret that is required says both and shows nothing', () => {
  expect(text).toMatch(/# ---- alert-processor\n\n# Where the log is\. \(secret; required\)\n#DATABASE_URL=\n/);
});

test('what only some apps need says which', () => {
  expect(text).toContain('# Where the hints go. (required by alert-processor)\n#REDIS_URL=\n');
});

test('a copy of the file sets nothing', () => {
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
});
