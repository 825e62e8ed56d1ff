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

Every error of the API is \`application/problem+json\` (RFC 9457): \`title\` and \`status\` for people, \`code\` for programs, \`detail\` for the person who looks for the cause,
\`errors\` with a JSON pointer or the name of a parameter where the input is at fault (the first 20; \`more_errors\` says how many more there are), \`instance\` to find it in the log. A code is stable: match on it. What is worth
a retry (503, 429) says when in \`Retry-After\`; to an EventSource it is said in the stream, as a \`close\` frame.
The same list is at \`/docs/errors\` of every gateway. It is made from the code by \`npm run settings\`.

| code | status | title | what it means, and what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}
