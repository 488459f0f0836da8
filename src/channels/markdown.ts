import type { Dialect } from './flatten.ts';

const lookAlikes: Record<string, string> = { '<': '＜', '>': '＞', '*': '∗', '`': "'", '[': '［', ']': '］', '~': '∼', '\\': '＼' };

/**
 * Data as it may stand in the markdown of a group robot. Their subsets have no escape that holds everywhere, so look-alikes stand for
 * what would make a mention (`<@…>`), a font, emphasis, code, a link or an image; a heading or a rule cannot begin a line.
 */
export function tame(value: string): string {
  return value
    .replace(/[<>*`[\]~\\]/g, (c) => lookAlikes[c] ?? c)
    .replace(/^(\s*)#/gm, '$1＃')
    .replace(/^(\s*)([-=_]{3,})(\s*)$/gm, '$1·$2$3')
    .replace(/@(?=all\b|everyone\b|\d)/gi, '＠');
}

/** The markdown that WeCom, DingTalk and others share: bold, links, quotes. */
export const markdown: Dialect = {
  text: tame,
  bold: (value) => (value.trim() === '' ? value : `**${tame(value.trim())}**`),
  code: tame,
  link: (label, url) => `[${tame(label).replace(/\n/g, ' ')}](${url})`,
  block: (lines) => lines.map((line) => `> ${tame(line)}`),
};
