// Slack's mrkdwn, parsed to a small tree: pure, shared by the page and by the test client's plain text.

const escapes = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** Undoes Slack's three escapes. */
export function unescapeText(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (e) => escapes[e]);
}

/** Parses mrkdwn text: code first (nothing inside it counts), then angle brackets, emphasis and emoji. */
export function parseMrkdwn(text) {
  const nodes = [];
  let rest = text;
  while (rest) {
    const fence = /```\n?([\s\S]*?)\n?```/.exec(rest);
    parseLines(fence ? rest.slice(0, fence.index) : rest, nodes);
    if (!fence) break;
    nodes.push({ type: 'pre', text: unescapeText(stripAngles(fence[1])) });
    rest = rest.slice(fence.index + fence[0].length).replace(/^\n/, '');
  }
  return nodes;
}

function parseLines(text, nodes) {
  let plain = [];
  let quoted = [];
  const flushPlain = () => {
    if (plain.length) nodes.push(...parseInline(plain.join('\n')));
    plain = [];
  };
  const flushQuoted = () => {
    if (quoted.length) nodes.push({ type: 'quote', children: parseInline(quoted.join('\n')) });
    quoted = [];
  };
  for (const line of text.split('\n')) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote) {
      flushPlain();
      quoted.push(quote[1]);
    } else {
      flushQuoted();
      plain.push(line);
    }
  }
  flushPlain();
  flushQuoted();
}

const emphasis = { '*': 'bold', _: 'italic', '~': 'strike' };

function parseInline(text) {
  const nodes = [];
  let buffer = '';
  let i = 0;
  while (i < text.length) {
    const found = tokenAt(text, i);
    if (!found) {
      buffer += text[i++];
      continue;
    }
    if (buffer) nodes.push({ type: 'text', text: unescapeText(buffer) });
    buffer = '';
    nodes.push(found.node);
    i += found.length;
  }
  if (buffer) nodes.push({ type: 'text', text: unescapeText(buffer) });
  return nodes;
}

/** The code span, angle-bracket token, emoji or emphasis that begins at a place, with its length in the source. */
function tokenAt(text, i) {
  const c = text[i];
  if (!'`<:*_~'.includes(c)) return undefined;
  const tail = text.slice(i);
  const before = text[i - 1] ?? ' ';
  if (c === '`') return token(/^`([^`\n]+)`/.exec(tail), (m) => ({ type: 'code', text: unescapeText(stripAngles(m[1])) }));
  if (c === '<') return token(/^<([^<>\n]+)>/.exec(tail), (m) => angle(m[1]));
  if (c === ':') return /\w/.test(before) ? undefined : token(/^:([a-z0-9_+-]{1,40}):/.exec(tail), (m) => ({ type: 'emoji', name: m[1] }));
  if (/[\w*~_]/.test(before)) return undefined;
  return token(closing(tail, c), (m) => ({ type: emphasis[c], children: parseInline(m[1]) }));
}
function token(match, make) {
  return match ? { node: make(match), length: match[0].length } : undefined;
}

// Emphasis opens before a non-space and closes after one, at a word border: snake_case_names stay as they are.
function closing(tail, c) {
  const e = `\\${c}`;
  return new RegExp(`^${e}(?=[^\\s${e}])((?:[^${e}\\n]|${e}(?=\\w))*?[^\\s${e}])${e}(?!\\w)`).exec(tail);
}

function stripAngles(text) {
  return text.replace(/<([^<>|\n]+)(?:\|([^<>\n]+))?>/g, (whole, target, label) => {
    if (/^(https?|mailto):/.test(target)) return label ?? target;
    return label ?? whole;
  });
}

function angle(inner) {
  const bar = inner.indexOf('|');
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? '' : unescapeText(inner.slice(bar + 1));
  if (target.startsWith('@')) return { type: 'user', id: target.slice(1), label };
  if (target.startsWith('#')) return { type: 'channel', id: target.slice(1), label };
  if (target.startsWith('!subteam^')) return { type: 'group', id: target.slice(9), label };
  if (target.startsWith('!date^')) {
    const [, unix, format = '', url = ''] = target.split('^');
    return { type: 'date', unix: Number(unix), format: unescapeText(format), url, fallback: label };
  }
  if (target.startsWith('!')) return { type: 'broadcast', id: target.slice(1), label: label || target.slice(1) };
  const url = unescapeText(target);
  return { type: 'link', url, text: label || url };
}

/** A `<!date^..>` token in the reader's own time zone: {time}, {time_secs}, {date}, {date_short}, {date_long}, {date_num}, {ago} and the _pretty forms. */
export function formatSlackDate(unix, format, nowMs) {
  const date = new Date(unix * 1000);
  const show = (options) => new Intl.DateTimeFormat('en-GB', options).format(date);
  const day = (d) => `${d.getFullYear()}-${d.getMonth()}-${d.getDate()}`;
  const pretty = (plain) => {
    for (const [offset, word] of [
      [0, 'today'],
      [-86_400_000, 'yesterday'],
      [86_400_000, 'tomorrow'],
    ])
      if (day(date) === day(new Date(nowMs + offset))) return word;
    return plain;
  };
  const long = () => show({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const short = () => show({ day: 'numeric', month: 'short', year: 'numeric' });
  const medium = () => show({ day: 'numeric', month: 'long', year: 'numeric' });
  const values = {
    time: () => show({ hour: '2-digit', minute: '2-digit' }),
    time_secs: () => show({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    date: medium,
    date_short: short,
    date_long: long,
    date_num: () => date.toISOString().slice(0, 10),
    date_pretty: () => pretty(medium()),
    date_short_pretty: () => pretty(short()),
    date_long_pretty: () => pretty(long()),
    ago: () => `${Math.round(Math.abs(nowMs - unix * 1000) / 60_000)} minutes ago`,
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => values[name]?.() ?? whole);
}
