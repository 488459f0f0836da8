import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { WorkspaceSeed } from '../practice/types.ts';

export interface DemoCluster {
  name: string;
  url: string;
  version: string;
  home: string;
  checkpointDir: string;
  savepointDir: string;
  /** Creating this file makes etl-orders fail on purpose. */
  failFile: string;
}
export interface SeedInput {
  folder: string;
  clusters: readonly DemoCluster[];
  workspace: WorkspaceSeed;
  gitUrl: string;
  gitUser: string;
  gitPasswordFile: string;
}

const team = 'data';
const roles: Record<string, { team: string; role: string }[]> = {
  U0EMMA: [{ team, role: 'engineer' }],
  U0ERIK: [{ team, role: 'engineer' }],
  U0LENA: [{ team, role: 'lead' }],
  U0LARS: [{ team, role: 'lead' }],
  U0OMAR: [{ team, role: 'on-call' }],
};

/** Writes the demo's objects as a folder of YAML files: the same form that `npm run apply` takes from anybody. */
export async function writeSeed(input: SeedInput): Promise<void> {
  await rm(input.folder, { recursive: true, force: true });
  await mkdir(input.folder, { recursive: true });
  const write = (file: string, value: object) => writeFile(join(input.folder, file), stringify(value));
  await write('team-data.yaml', { kind: 'team', name: team, channel: 'C0ETL', alertChannel: 'C0ALERTS' });
  for (const person of input.workspace.people) {
    if (person.bot) continue;
    await write(`person-${person.name}.yaml`, {
      kind: 'person',
      name: person.name,
      slackTeamId: input.workspace.team.id,
      slackUserId: person.id,
      roles: roles[person.id] ?? [],
      ...(person.id === 'U0LENA' ? { admin: true } : {}),
    });
  }
  await write('project-etl-jobs.yaml', {
    kind: 'project',
    name: 'etl-jobs',
    team,
    url: input.gitUrl,
    credential: { type: 'password', username: input.gitUser, secret: { file: input.gitPasswordFile } },
  });
  for (const [i, cluster] of input.clusters.entries()) {
    await write(`distribution-${cluster.version}.yaml`, {
      kind: 'distribution',
      name: `flink-${cluster.version}`,
      version: cluster.version,
      home: cluster.home,
      default: i === 0,
    });
    await write(`cluster-${cluster.name}.yaml`, {
      kind: 'cluster',
      name: cluster.name,
      type: 'standalone',
      url: cluster.url,
      distribution: `flink-${cluster.version}`,
      team,
      alertChannel: 'C0ALERTS',
      pathsReadable: true,
      checkpointDir: `file://${cluster.checkpointDir}`,
    });
  }
  const [first] = input.clusters;
  if (!first) return;
  const directories = { 'checkpoint-dir': `file://${first.checkpointDir}`, 'savepoint-dir': `file://${first.savepointDir}` };
  await write('job-etl-orders.yaml', {
    kind: 'job',
    name: 'etl-orders',
    team,
    project: 'etl-jobs',
    cluster: first.name,
    environment: 'production',
    parameters: {
      'main-class': 'com.example.etl.OrdersJob',
      args: `--rate 50 --fail-file ${first.failFile}`,
      parallelism: 2,
      'checkpoint-interval': '10s',
      ...directories,
      'restart-strategy': 'fixed-delay(3, 2s)',
      'state-backend': 'hashmap',
      links: 'runbook=https://wiki.example.com/etl-orders',
    },
  });
  await write('job-customers.yaml', {
    kind: 'job',
    name: 'customers',
    team,
    project: 'etl-jobs',
    cluster: first.name,
    environment: 'development',
    parameters: {
      'main-class': 'com.example.etl.CustomersJob',
      args: '--rate 20',
      parallelism: 1,
      'checkpoint-interval': '20s',
      ...directories,
    },
  });
}
