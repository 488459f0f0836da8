const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/**
 * What a person typed, out of Slack's escaping (`should_escape`): `<https://x|x>` becomes `https://x`, `<@U1|name>` becomes `<@U1>`,
 * `<#C1|name>` becomes `<#C1>`, `&lt;` becomes `<`. Curly quotes and dashes stay for the command parser.
 */
export function fromSlackText(text: string): string {
  return text
    .replace(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_, target: string) => (/^[@#!]/.test(target) ? `<${target}>` : target.replace(/^mailto:/, '')))
    .replace(/&(?:amp|lt|gt);/g, (entity) => entities[entity] ?? entity)
    .trim();
}

/** The command line in a message that mentions the bot: what follows the first mention, or what precedes it if nothing follows. */
export function lineOfMention(text: string, botUserId: string | undefined): string {
  const mention = new RegExp(`<@${botUserId ?? '[UW][A-Z0-9]+'}(?:\\|[^<>]*)?>`);
  const match = mention.exec(text);
  if (!match) return fromSlackText(text);
  const after = fromSlackText(text.slice(match.index + match[0].length)).replace(/^[:,]\s*/, '');
  return after === '' ? fromSlackText(text.slice(0, match.index)) : after;
}
