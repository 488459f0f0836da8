import { errorCodes } from '../../core/errors.ts';
import { cell } from './markdown.ts';

/** docs/errors.md: every error code, from core. */
export function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Every refusal and failure is told in a plain sentence with the next step, and carries one of these codes in the API, the log and the audit.',
    'An error that Sluice did not expect has the code `internal` and a reference id (`err_...`) that finds the full error in the log and on the page.',
    '',
    '| Code | What it means |',
    '| --- | --- |',
    ...Object.entries(errorCodes).map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`),
  ];
  return `${lines.join('\n')}\n`;
}
