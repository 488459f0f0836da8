import type { WorkspaceSeed } from './types.ts';

/** The workspace of the demo and the tests: two engineers, two leads, on-call, an outsider without a role, a guest, somebody of another workspace, and the app. */
export const defaultSeed: WorkspaceSeed = {
  team: { id: 'T0PRACTICE', name: 'Acme Data', domain: 'acme-data' },
  appUserId: 'U0SLUICE',
  people: [
    { id: 'U0EMMA', name: 'emma', realName: 'Emma Okafor', title: 'Engineer' },
    { id: 'U0ERIK', name: 'erik', realName: 'Erik Sandberg', title: 'Engineer' },
    { id: 'U0LENA', name: 'lena', realName: 'Lena Brandt', title: 'Lead' },
    { id: 'U0LARS', name: 'lars', realName: 'Lars Nyberg', title: 'Lead' },
    { id: 'U0OMAR', name: 'omar', realName: 'Omar Haddad', title: 'On-call' },
    { id: 'U0OTTO', name: 'otto', realName: 'Otto Weiss', title: 'Outsider (no role)' },
    { id: 'U0GRETA', name: 'greta', realName: 'Greta Olsen', title: 'Guest', guest: true },
    { id: 'U0PABLO', name: 'pablo', realName: 'Pablo Ortiz', title: 'Of another workspace', otherTeamId: 'T0PARTNER' },
    { id: 'U0SLUICE', name: 'sluice', realName: 'Sluice', bot: { botId: 'B0SLUICE', appId: 'A0SLUICE' } },
  ],
  channels: [
    {
      id: 'C0ETL',
      name: 'etl',
      topic: 'Pipelines of the data team',
      members: ['U0EMMA', 'U0ERIK', 'U0LENA', 'U0LARS', 'U0OMAR', 'U0OTTO', 'U0GRETA', 'U0PABLO', 'U0SLUICE'],
    },
    {
      id: 'C0ALERTS',
      name: 'flink-alerts',
      topic: 'Failures and checkpoints',
      members: ['U0EMMA', 'U0ERIK', 'U0LENA', 'U0LARS', 'U0OMAR', 'U0OTTO', 'U0SLUICE'],
    },
    { id: 'C0GENERAL', name: 'general', topic: 'Everybody', members: ['U0EMMA', 'U0ERIK', 'U0LENA', 'U0LARS', 'U0OMAR', 'U0OTTO'] },
  ],
  groups: [{ id: 'S0LEADS', handle: 'flink-leads', name: 'Flink leads', users: ['U0LENA', 'U0LARS'] }],
};
