import { problem } from './parameter.ts';

/** Splits program arguments at white space outside quotes. @throws ParameterProblem if a quote does not close. */
export function splitArguments(value: string): string[] {
  const out: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const ch of value) {
    if (quote) {
      if (ch === quote) quote = undefined;
      else word += ch;
    } else if (ch === '"' || ch === "'") {
      quote = ch;
      word ??= '';
    } else if (/\s/.test(ch)) {
      if (word !== undefined) out.push(word);
      word = undefined;
    } else word = (word ?? '') + ch;
  }
  if (quote) problem(`The quote ${quote} in the arguments does not close.`);
  if (word !== undefined) out.push(word);
  return out;
}
/** One argument as it would be typed: quoted when it has to be. */
export function quoteArgument(argument: string): string {
  if (argument !== '' && !/[\s"']/.test(argument)) return argument;
  return argument.includes('"') ? argument.replace(/[^']+|'/g, (part) => (part === "'" ? `"'"` : `'${part}'`)) : `"${argument}"`;
}
