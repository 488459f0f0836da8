import { quoteWord, stripControls } from '../core/text.ts';

/**
 * A command line whose `{input}` and `{choice}` are replaced by what was typed and picked, each as one word. The command language has no
 * escape inside quotes, so double quotes, straight or curly, become apostrophes.
 */
export function fillCommand(line: string, given: { input: string; choice: string; multiline: boolean }): string {
  return line.replace(/\{(input|choice)\}/g, (_, which: 'input' | 'choice') => {
    const clean = stripControls(given[which]).replace(/["“”„‟«»]/g, "'");
    return quoteWord((given.multiline ? clean.replace(/\r\n?/g, '\n') : clean.replace(/\s+/g, ' ')).trim());
  });
}
