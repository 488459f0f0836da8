import type { WorkspaceSeed } from '../../practice/types.ts';

/** Fields of Slack's request for a slash command, as a form; the trigger id makes each of them another one. */
export function slashCommand(workspace: WorkspaceSeed, text: string, triggerId: string): string {
  const person = workspace.people[0];
  const channel = workspace.channels[0];
  return new URLSearchParams({
    token: 'bench',
    team_id: workspace.team.id,
    team_domain: workspace.team.domain,
    channel_id: channel?.id ?? '',
    channel_name: channel?.name ?? '',
    user_id: person?.id ?? '',
    user_name: person?.name ?? '',
    command: '/flink',
    text,
    api_app_id: 'A0SLUICE',
    is_enterprise_install: 'false',
    response_url: 'https://hooks.slack.com/commands/bench',
    trigger_id: triggerId,
  }).toString();
}
