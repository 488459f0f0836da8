import { el } from './dom.js';
import { formatSlackDate, parseMrkdwn } from './mrkdwn.js';

const emoji = {
  white_check_mark: '✅',
  heavy_check_mark: '✔️',
  x: '❌',
  warning: '⚠️',
  rotating_light: '🚨',
  hourglass: '⌛',
  hourglass_flowing_sand: '⏳',
  rocket: '🚀',
  eyes: '👀',
  tada: '🎉',
  lock: '🔒',
  key: '🔑',
  bell: '🔔',
  no_bell: '🔕',
  mag: '🔍',
  memo: '📝',
  package: '📦',
  hammer: '🔨',
  wrench: '🔧',
  gear: '⚙️',
  stop_sign: '🛑',
  octagonal_sign: '🛑',
  no_entry: '⛔',
  red_circle: '🔴',
  large_green_circle: '🟢',
  large_yellow_circle: '🟡',
  large_blue_circle: '🔵',
  white_circle: '⚪',
  arrows_counterclockwise: '🔄',
  rewind: '⏪',
  fire: '🔥',
  bulb: '💡',
  link: '🔗',
  wave: '👋',
  thumbsup: '👍',
  '+1': '👍',
  floppy_disk: '💾',
  information_source: 'ℹ️',
  siren: '🚨',
  point_right: '👉',
};
/** The character of an emoji name, or the name between colons. */
export function emojiText(name) {
  return emoji[name] ?? `:${name}:`;
}

/** mrkdwn as elements. `names` gives people, channels and groups; unknown ids are shown as they are. */
export function mrkdwn(text, names) {
  return parseMrkdwn(text).map((node) => show(node, names));
}

function show(node, names) {
  const children = () => node.children.map((n) => show(n, names));
  switch (node.type) {
    case 'text':
      return lines(node.text);
    case 'bold':
      return el('strong', {}, ...children());
    case 'italic':
      return el('em', {}, ...children());
    case 'strike':
      return el('s', {}, ...children());
    case 'quote':
      return el('blockquote', {}, ...children());
    case 'code':
      return el('code', { text: node.text });
    case 'pre':
      return el('pre', { text: node.text });
    case 'link':
      return anchor(node.url, node.text);
    case 'user':
      return mention(`@${names.user(node.id)}`, node.id === names.me);
    case 'channel':
      return mention(`#${names.channel(node.id)}`, false);
    case 'group':
      return mention(`@${names.group(node.id)}`, names.inGroup(node.id));
    case 'broadcast':
      return mention(`@${node.label}`, true);
    case 'date':
      return dateNode(node, names);
    case 'emoji':
      return document.createTextNode(emojiText(node.name));
    default:
      return document.createTextNode('');
  }
}
function lines(text) {
  const out = document.createDocumentFragment();
  text.split('\n').forEach((line, i) => {
    if (i > 0) out.append(el('br'));
    out.append(line);
  });
  return out;
}
/** A mention; one that concerns the reader stands out. */
export function mention(text, mine) {
  return el('span', { class: mine ? 'mention mine' : 'mention', text });
}
/** A link that opens in a new tab; anything but http, https and mailto is shown as text. */
export function anchor(url, text) {
  if (!/^(https?:|mailto:)/i.test(url)) return document.createTextNode(text);
  return el('a', { href: url, target: '_blank', rel: 'noopener noreferrer', text });
}
/** A date in the reader's own words: `unix` seconds, `format` as Slack has it, `fallback` when it is none. */
export function dateNode(node, names) {
  const shown = Number.isFinite(node.unix) && node.unix > 0 ? formatSlackDate(node.unix, node.format, names.now()) : node.fallback;
  const time = el('time', { title: node.fallback, text: shown });
  return node.url ? anchor(node.url, shown) : time;
}

/** Standard Markdown of a `markdown` block: headings, lists, code, emphasis, links. */
export function markdown(text) {
  const out = [];
  const parts = text.split(/```[^\n]*\n?([\s\S]*?)```/);
  parts.forEach((part, i) => {
    if (i % 2 === 1) {
      out.push(el('pre', { text: part.replace(/\n$/, '') }));
      return;
    }
    for (const paragraph of part.split(/\n{2,}/)) if (paragraph.trim()) out.push(...paragraphNodes(paragraph));
  });
  return out;
}
function paragraphNodes(paragraph) {
  const out = [];
  let items = [];
  let list = 'ul';
  const flush = () => {
    if (items.length) out.push(el(list, {}, ...items));
    items = [];
  };
  for (const line of paragraph.split('\n')) {
    const heading = /^#{1,6} (.+)$/.exec(line);
    const item = /^\s*(?:[-*]|(\d+)\.) (.+)$/.exec(line);
    if (item) {
      const kind = item[1] === undefined ? 'ul' : 'ol';
      if (kind !== list) flush();
      list = kind;
      items.push(el('li', {}, ...inline(item[2])));
      continue;
    }
    flush();
    if (heading) out.push(el('h4', {}, ...inline(heading[1])));
    else if (line.trim()) out.push(el('p', {}, ...inline(line)));
  }
  flush();
  return out;
}
function inline(text) {
  const out = [];
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|~~([^~]+)~~|\[([^\]]+)\]\(([^)]+)\)/g;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    out.push(text.slice(end, match.index));
    const [whole, code, bold, italic, strike, label, url] = match;
    if (code) out.push(el('code', { text: code }));
    else if (bold) out.push(el('strong', { text: bold }));
    else if (italic) out.push(el('em', { text: italic }));
    else if (strike) out.push(el('s', { text: strike }));
    else out.push(anchor(url, label));
    end = match.index + whole.length;
  }
  out.push(text.slice(end));
  return out;
}
