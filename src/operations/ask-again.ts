import type { Action } from '../core/message.ts';
import { quoteWord } from '../core/text.ts';
import type { Operation } from './types.ts';

/** What can be asked for with a reason; the others need nobody's approval. */
const withReason: readonly string[] = ['start', 'stop', 'restart', 'restore'];

/** The line that asks for the very same, with its options and without a reason. */
export function askedWords(op: Pick<Operation, 'kind' | 'job' | 'input'>): string {
  const { from, version, fresh, noSavepoint, build, branch } = op.input;
  const words = [op.kind, op.job];
  if (noSavepoint === true) words.push('--no-savepoint');
  if (fresh === true) words.push('--fresh');
  // A build says so by its name alone.
  if (build === true && op.kind !== 'build') words.push('--build');
  if (typeof branch === 'string') words.push('--branch', quoteWord(branch));
  if (version !== undefined) words.push('--version', version === 'current' ? version : `v${String(version)}`);
  if (typeof from === 'string') words.push('--from', quoteWord(from));
  return words.join(' ');
}

/**
 * The button that asks for the very same again, with a new reason: without its options `stop --no-savepoint` would become a stop at once, and
 * `start --fresh` a resume.
 */
export function askAgain(op: Pick<Operation, 'kind' | 'job' | 'input'>): Action {
  const words = askedWords(op);
  if (!withReason.includes(op.kind)) return { label: 'Ask again', command: words };
  return {
    label: 'Ask again',
    command: `${words} --reason {input}`,
    input: { title: 'Why?', label: 'Reason, shown to everybody', multiline: true },
  };
}
