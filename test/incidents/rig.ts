import type { TestContext } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { messageToText } from '../../src/core/message.ts';
import { moveClock } from '../../src/db/clock.ts';
import type { Database, Tx } from '../../src/db/db.ts';
import { asc } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { type IncidentInput, openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const minute = 60_000;
export const calls = { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute };

export interface IncidentRig {
  database: Database;
  /** Something is wrong with a job; true when people are told now. */
  breaks(job: string, more?: Partial<IncidentInput>): Promise<boolean>;
  mends(job: string, cause?: string): Promise<void>;
  /** So much later, watch looks. */
  later(ms: number, slackIsDown?: { kind: string; name: string }[]): Promise<void>;
  /** What a channel beside Slack is to show: the title, and the state of the incident as it is told there. */
  elsewhere(name: string): Promise<(string | undefined)[][]>;
  /** What can be read in Slack, oldest first: messages as their title, what is in a thread with `> ` before it. */
  said(): Promise<string[]>;
  /** The whole text of all that is in threads. */
  threads(): Promise<string[]>;
  /** The whole text of the message with this title. */
  text(title: RegExp): Promise<string>;
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/** Incidents on a real database, without anything that finds or sends them. */
export async function incidentRig(t: TestContext, jobs: readonly string[] = ['orders']): Promise<IncidentRig> {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERT', onCall: 'S0ONCALL' });
    for (const name of jobs)
      await createJob(tx, {
        name,
        team: 'data',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] },
        origin: 'apply',
        createdBy: { teamId: 'T1', userId: 'U1', name: 'ann' },
      });
  });
  const rows = () => database.db.select().from(outboxMessages).orderBy(asc(outboxMessages.createdAt), asc(outboxMessages.id));
  return {
    database,
    transaction: (work) => database.transaction(work),
    breaks: (job, more = {}) =>
      database.transaction((tx) =>
        openIncident(tx, {
          key: `job:${job}:${more.cause ?? 'failed'}`,
          job,
          cluster: 'standalone',
          cause: 'failed',
          title: `${job} ${more.cause === 'restarting' ? 'is restarting' : 'failed'}`,
          facts: { version: 2, onCall: 'S0ONCALL', ...more.facts },
          runId: undefined,
          channel: 'C0ALERT',
          fallbackChannels: [],
          ...(more.cause === undefined ? {} : { cause: more.cause }),
          ...(more.settleMs === undefined ? {} : { settleMs: more.settleMs }),
        }),
      ),
    mends: (job, cause = 'failed') => database.transaction((tx) => resolveIncidents(tx, [`job:${job}:${cause}`], `${job} runs again.`)),
    async later(ms, slackIsDown = []) {
      await moveClock(database.db, ms);
      await database.transaction((tx) => carryIncidentsOn(tx, calls, slackIsDown));
    },
    elsewhere: async (name) =>
      (await rows()).filter((row) => row.channel === name).map((row) => [row.channelKind, row.desired.title, row.desired.incident?.state]),
    said: async () =>
      (await rows()).filter((row) => row.channelKind === 'slack').map((row) => `${row.threadOf ? '> ' : ''}${row.desired.title}`),
    threads: async () => (await rows()).filter((row) => row.threadOf).map((row) => messageToText(row.desired)),
    async text(title) {
      const row = (await rows()).find((one) => title.test(one.desired.title));
      return row
        ? messageToText(row.desired)
        : `nothing says ${title}; said: ${(await rows()).map((one) => one.desired.title).join(' | ')}`;
    },
  };
}
