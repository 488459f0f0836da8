import type { Workspace } from './workspace.ts';

/** Escapes what Slack escapes in text: `&`, `<` and `>`. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const tokens = /(<(?:[@#!][^<>\n]+)>)|(https?:\/\/[^\s<>]+[^\s<>.,;:!?)'"])|(?<![\w@#])([@#])([\w-]+)/g;

/**
 * What a person typed, as it is stored in a message or sent with `should_escape`: `@lena` becomes `<@U0LENA>` (in a command
 * `<@U0LENA|lena>`), `#etl` becomes `<#C0ETL|etl>`, a URL is put in angle brackets, the rest is escaped.
 */
export function encodeTyped(ws: Workspace, typed: string, where: 'message' | 'command'): string {
  let out = '';
  let end = 0;
  for (const match of typed.matchAll(tokens)) {
    const [whole, token, url, sign, name] = match;
    const encoded =
      token ??
      (url ? `<${escapeText(url)}${where === 'command' ? `|${escapeText(url)}` : ''}>` : mention(ws, sign ?? '', name ?? '', where));
    if (encoded === undefined) continue;
    out += escapeText(typed.slice(end, match.index)) + encoded;
    end = match.index + whole.length;
  }
  return out + escapeText(typed.slice(end));
}

function mention(ws: Workspace, sign: string, name: string, where: 'message' | 'command'): string | undefined {
  if (sign === '#') {
    const channel = ws.state.channels.find((c) => c.name === name && c.im === undefined);
    return channel ? `<#${channel.id}|${channel.name}>` : undefined;
  }
  if (['here', 'channel', 'everyone'].includes(name)) return `<!${name}>`;
  const person = ws.state.people.find((p) => p.name === name);
  if (person) return where === 'command' ? `<@${person.id}|${person.name}>` : `<@${person.id}>`;
  const group = ws.state.groups.find((g) => g.handle === name);
  return group ? `<!subteam^${group.id}|@${group.handle}>` : undefined;
}
