import { ERROR_CODES } from '@tocsin/contracts';
import { ANSWERS } from '../problems/problem-answers';
import { ADVICE } from './error-advice';

/** Every code with its status, title and advice, in the order of the list. */
export const errorRows = (): { code: string; status: number; title: string; advice: string }[] =>
  ERROR_CODES.map((code) => ({ code, status: ANSWERS[code][0], title: ANSWERS[code][1], advice: ADVICE[code] }));

/** `docs/errors.md`, which `npm run settings` writes and a test compares. */
export function errorsMarkdown(): string {
  const rows = errorRows().map(
    ({ code, status, title, advice }) => `| \`${code}\` | ${status} | ${title} | ${advice} |`,
  );
  return `# Errors

Every error of the API is \`application/problem+json\` (RFC 9457):

- \`code\` is for programs. A code never changes its meaning, so match on it.
- \`title\` and \`status\` are for people, and \`detail\` says more about this case.
- \`errors\` names the faults of the input, each with a JSON pointer or the name of a parameter. It has the first 20;
  \`more_errors\` says how many more there are.
- \`instance\` is the id by which the error is found in the log.

Errors that are worth a retry (503, 429) say in \`Retry-After\` when to retry. An EventSource gets them in the stream, as a
\`close\` frame. The same list is at \`/docs/errors\` of every gateway. \`npm run settings\` makes this page from the code.

| code | status | title | what it means, and what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}
