import { type Html, html } from '../src/core/html.ts';
import type { Story } from '../src/incidents/story.ts';

const width = 960;
const lanes = { acts: 26, runs: 60, points: 108 };
const height = 150;

/** State over time, checkpoints as marks, what people did as flags; everything in it is also a line of text below. */
export function incidentPicture(story: Story): Html {
  const span = Math.max(1, story.to.getTime() - story.from.getTime());
  const x = (at: Date) =>
    Math.round((Math.min(Math.max(at.getTime(), story.from.getTime()), story.to.getTime()) - story.from.getTime()) * (width / span));
  const trouble = { from: x(story.trouble.from), to: x(story.trouble.to ?? story.to) };
  return html`<figure class="picture"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="What happened from an hour before the incident on">
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="restarting" width="6" height="6"/><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
<rect class="trouble" x="${trouble.from}" y="0" width="${Math.max(2, trouble.to - trouble.from)}" height="${height - 22}"/>
${story.runs.map((run) => runBar(run, x))}
${story.points.map((point) => mark(point, x(point.at)))}
${story.acts.map((act) => html`<g class="act"><line x1="${x(act.at)}" y1="${lanes.acts}" x2="${x(act.at)}" y2="${height - 22}"/><path d="M${x(act.at)} ${lanes.acts}l10 -5l-10 -5z"/><title>${act.words}</title></g>`)}
<line class="axis" x1="0" y1="${height - 22}" x2="${width}" y2="${height - 22}"/>
${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<text class="tick ${part === 0 ? 'first' : part === 1 ? 'last' : ''}" x="${Math.round(part * width)}" y="${height - 6}">${clock(new Date(story.from.getTime() + part * span))}</text>`)}
</svg><figcaption>Bars are runs (hatched: not all tasks ran), dots are checkpoints (large: savepoints), crosses are those that failed, flags are what was done to it and to its cluster, red is the incident. Times are UTC.</figcaption></figure>`;
}
/** The stretches in which not all of its tasks ran lie upon it. */
function runBar(run: Story['runs'][number], x: (at: Date) => number): Html {
  const wide = x(run.to) - x(run.from);
  const stretches = run.restarting.map(
    ({ from, to }) =>
      html`<rect class="stretch" fill="url(#hatch)" x="${x(from)}" y="${lanes.runs + 1}" width="${Math.max(2, x(to) - x(from))}" height="20"><title>not all tasks ran, ${clock(from)} to ${clock(to)}</title></rect>`,
  );
  return html`<g><rect class="${run.lives ? 'lives' : 'ended'}" x="${x(run.from)}" y="${lanes.runs}" width="${Math.max(2, wide)}" height="22" rx="3"><title>${run.words}</title></rect>${stretches}${wide > 70 ? html`<text x="${x(run.from) + 6}" y="${lanes.runs + 15}">${run.words}</text>` : ''}</g>`;
}
function mark({ kind, words }: Story['points'][number], cx: number): Html {
  if (kind === 'failed') return html`<path class="failed" d="M${cx - 4} ${lanes.points - 4}l8 8m0 -8l-8 8"><title>${words}</title></path>`;
  return html`<circle class="${kind}" cx="${cx}" cy="${lanes.points}" r="${kind === 'savepoint' ? 6 : 4}"><title>${words}</title></circle>`;
}
const clock = (at: Date) => at.toISOString().slice(11, 16);
