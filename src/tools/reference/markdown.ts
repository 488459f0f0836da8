/** Text for one cell of a Markdown table: no line breaks, no bare pipes. */
export function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
}
