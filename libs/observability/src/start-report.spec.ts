import { createLogger } from './logger';
import { tellStart, type StartReport } from './start-report';

function lineOf(report: StartReport): Record<string, unknown> {
  const lines: string[] = [];
  tellStart(createLogger({ app: 'gateway', destination: { write: (line) => void lines.push(line) } }), report);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

test('a start is one line with what is enabled and what is weak, and a warning when anything is', () => {
  const warnings = ['CORS_ORIGINS=* lets every page call'];
  expect(lineOf({ enabled: ['page', 'tickets'], warnings })).toMatchObject({
    level: 'warn',
    msg: '2 enabled, 1 warning',
    enabled: ['page', 'tickets'],
    warnings,
  });
  expect(lineOf({ enabled: ['page'], warnings: [] })).toMatchObject({ level: 'info', msg: '1 enabled, 0 warnings' });
});
