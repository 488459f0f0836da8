import { type Html, html } from '../src/core/html.ts';

/**
 * The Markdown of our own pages of docs: headings, paragraphs, lists, tables, fenced code; bold, emphasis, code and links within a line. Everything is escaped.
 * @param linkTo where a link of the page leads; undefined: its words are shown without one.
 */
export function markdownView(source: string, linkTo: (href: string) => string | undefined): Html {
  const blocks = source
    .replace(/\r/g, '')
    .split(/(```[\s\S]*?```)|\n{2,}/)
    .filter((block) => block?.trim());
  return html`${blocks.map((block) => blockView((block as string).trim(), linkTo))}`;
}
type LinkTo = (href: string) => string | undefined;

function blockView(block: string, linkTo: LinkTo): Html {
  const line = (text: string) => lineView(text, linkTo);
  if (block.startsWith('```')) return html`<pre class="code">${block.replace(/^```\w*\n?/, '').replace(/\n?```$/, '')}</pre>`;
  const heading = /^(#{1,3}) (.*)$/.exec(block);
  if (heading) return heading[1] === '#' ? html`<h1>${line(heading[2] ?? '')}</h1>` : html`<h2>${line(heading[2] ?? '')}</h2>`;
  const items = (mark: RegExp) => block.split('\n').map((one) => html`<li>${line(one.replace(mark, ''))}</li>`);
  if (block.split('\n').every((one) => /^- /.test(one))) return html`<ul>${items(/^- /)}</ul>`;
  if (block.split('\n').every((one) => /^\d+\. /.test(one))) return html`<ol>${items(/^\d+\. /)}</ol>`;
  if (block.startsWith('|')) return tableView(block, line);
  return html`<p>${line(block.replace(/\n/g, ' '))}</p>`;
}
function tableView(block: string, line: (text: string) => Html): Html {
  const [head = [], , ...rows] = block.split('\n').map((row) =>
    row
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim()),
  );
  return html`<table class="cards"><thead><tr>${head.map((cell) => html`<th scope="col">${line(cell)}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td class="wide" data-label="${head[i] ?? ''}"><span>${line(cell)}</span></td>`)}</tr>`)}</tbody></table>`;
}

const inline = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;
function lineView(text: string, linkTo: LinkTo): Html {
  const out: (Html | string)[] = [];
  let at = 0;
  for (const match of text.matchAll(inline)) {
    const [whole, code, bold, emphasis, label, href] = match;
    out.push(text.slice(at, match.index));
    at = match.index + whole.length;
    if (code !== undefined) out.push(html`<code>${code}</code>`);
    else if (bold !== undefined) out.push(html`<b>${bold}</b>`);
    else if (emphasis !== undefined) out.push(html`<em>${emphasis}</em>`);
    else {
      const url = linkTo(href ?? '');
      out.push(url === undefined ? (label ?? '') : html`<a href="${url}">${label}</a>`);
    }
  }
  return html`${[...out, text.slice(at)]}`;
}
