import { say, seconds } from './report.mjs';
import { has, run, tool } from './running.mjs';

/** What is run beside the tests; each counts as one that passed or failed. */
export const CHECKS = ['lint', 'format', 'types', 'manifests'];

/** Each command of a check, run one after the other; the first that fails is the check's failure. */
function commandsOf(check, report) {
  if (check === 'lint') return [[...tool('eslint', 'bin', 'eslint.js'), '--concurrency=2', '.']];
  if (check === 'format') return [[...tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.']];
  if (check === 'types')
    return ['tsconfig.json', 'tsconfig.browser.json'].map((project) => [
      ...tool('typescript-7', 'bin', 'tsc'),
      '--noEmit',
      '-p',
      project,
    ]);
  const commands = [];
  if (has('docker', 'compose', 'version'))
    for (const file of ['docker-compose.yml', 'docker-compose.postgres-alone.yml'])
      commands.push(['docker', 'compose', '-f', file, 'config', '--quiet']);
  else report.skip('manifests (compose)', 'docker compose is not installed');
  return commands;
}

export async function check(name, report) {
  const startedAt = Date.now();
  const commands = commandsOf(name, report);
  if (commands.length === 0) return say(`  - ${name}: skipped`);
  for (const command of commands) {
    const { code, output } = await run(command, { step: name, capture: true });
    if (code !== 0) {
      say(output.trim());
      return report.fail(`${name} (${seconds(Date.now() - startedAt)})`);
    }
  }
  report.passed += 1;
  say(`  ✓ ${name} (${seconds(Date.now() - startedAt)})`);
}
