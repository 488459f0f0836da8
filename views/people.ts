import type { Person } from '../src/access/policy.ts';
import { type Html, html } from '../src/core/html.ts';
import { badge, empty, table } from './parts.ts';

/** Who is known, with which roles. Roles are changed by applying YAML. */
export function peoplePage(people: readonly Person[]): Html {
  return html`<h1>People</h1><p class="context">Roles are per team and come from the applied YAML files; admins from the configuration too.</p>
${
  people.length === 0
    ? empty('Nobody is known yet.', 'An admin adds people from a folder of YAML files.')
    : table(
        'People',
        [{ label: 'Name', kind: 'main' }, { label: 'Roles', kind: 'wide' }, { label: 'Slack identity', kind: 'wide' }, { label: '' }],
        people.map((p) => ({
          cells: [
            p.ref.name,
            html`${p.admin ? html`<span class="tag">admin</span> ` : ''}${p.memberships.map((m) => html`<span class="tag">${m.role} of ${m.team}</span> `)}${!p.admin && p.memberships.length === 0 ? 'none' : ''}`,
            html`<code>${p.ref.teamId} / ${p.ref.userId}</code>`,
            p.active ? '' : badge('quiet', 'deactivated'),
          ],
        })),
      )
}`;
}
