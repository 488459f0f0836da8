import { oneLine, quoteWord, stripControls } from '../core/text.ts';

/**
 * Any text as one word of a command line. The command language has no escape inside quotes, so double quotes, straight or curly, become
 * apostrophes; everything else arrives as typed (line breaks only where several lines were asked for).
 */
export function quoteTyped(typed: string, multiline: boolean): string {
  const kept = multiline ? stripControls(typed).trim() : oneLine(stripControls(typed));
  return quoteWord(kept.replace(/["“”„‟«»]/g, "'"));
}
