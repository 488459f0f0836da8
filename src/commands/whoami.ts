import { fields, message, text } from '../core/message.ts';
import { defineCommand } from './spec.ts';

export const whoami = defineCommand({
  name: 'whoami',
  summary: 'Who Sluice thinks you are, and what you may do.',
  examples: ['whoami'],
  arguments: [],
  options: {},
  kind: 'read',
  right: 'anyone',
  who: 'everybody',
  async run(ctx) {
    const { person, request } = ctx;
    const identity = `${request.person.teamId} / ${request.person.userId}`;
    if (!person)
      return message(
        'neutral',
        'Sluice does not know you',
        text(`Your Slack identity is ${identity}. An admin can give you a role with it.`),
      );
    const roles = person.memberships.map((m) => `${m.role} of ${m.team}`);
    if (person.admin) roles.push('admin');
    return message(
      'neutral',
      `You are ${person.ref.name}`,
      fields([
        ['Slack identity', identity],
        ['Roles', roles.join(', ') || 'none'],
      ]),
    );
  },
});
