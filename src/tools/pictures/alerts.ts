import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { stringify } from 'yaml';
import { UpstreamError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { run } from '../../core/process.ts';
import { sleep } from '../../core/time.ts';
import { now } from '../../db/clock.ts';
import type { Database } from '../../db/db.ts';
import { createJob } from '../../jobs/jobs.store.ts';
import { insertRun } from '../../jobs/runs.store.ts';
import { defaultSeed } from '../../practice/seed.ts';
import { type Closing, createClosing } from '../bench/closing.ts';
import { projectRoot, startSlack, temporaryFolder } from '../bench/rig.ts';
import { install, openRecords, startSluice } from '../bench/sluice.ts';
import { type Fleet, fleetJobId, startFleet } from '../bench/watch/fleet.ts';
import { act, narrow, shoot } from './actor.ts';

const names = [
  'carts',
  'clicks',
  'coupons',
  'customers',
  'deliveries',
  'invoices',
  'ledger',
  'orders',
  'payments',
  'prices',
  'refunds',
  'returns',
  'search',
  'stock',
  'tax',
  'visits',
];
const alerts = { id: 'C0ALERTS', name: 'flink-alerts' };
const settleMs = 4000;

/** Pictures of what on-call sees: one incident and its thread, many jobs with one cause, the digests, the page of incidents and its rules. */
export async function pictureAlerts(browser: Browser, say: (line: string) => void): Promise<void> {
  const closing = createClosing((error) => say(`Not closed: ${String(error)}`));
  try {
    const site = await startSite(closing);
    const lena = await act(browser, site.practiceUrl, 'U0LENA', undefined, alerts);
    say('One job fails, somebody looks after it, and it comes back …');
    site.fleet.fail([7], 'java.net.ConnectException: Connection refused: kafka-3.shop.example:9092');
    await lena.sees(/etl-orders failed/);
    await sleep(settleMs);
    await lena.type('On it: kafka-3 is being replaced.');
    const first = lena.page
      .locator('.msg')
      .filter({ hasText: /etl-orders failed/ })
      .first();
    await first.getByRole('button', { name: 'Acknowledge' }).click();
    await lena.sees(/Acknowledged by/);
    await first.getByRole('button', { name: /repl/ }).click();
    await sleep(settleMs);
    await shoot(lena.page, 'incident.png', 820);
    say('Fourteen fail of one cause …');
    site.fleet.fail([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14], 'java.io.IOException: No space left on device: /mnt/checkpoints');
    await lena.sees(/14 jobs failed/);
    await sleep(settleMs);
    await lena.page.keyboard.press('Escape');
    await lena.page
      .locator('.msg')
      .filter({ hasText: /14 jobs failed/ })
      .last()
      .evaluate((node) => node.scrollIntoView({ block: 'center' }));
    await shoot(lena.page, 'storm.png', 1000);
    const phone = await act(browser, site.practiceUrl, 'U0LENA', narrow, alerts);
    await phone.sees(/14 jobs failed/);
    await phone.page
      .locator('.msg')
      .filter({ hasText: /14 jobs failed/ })
      .last()
      .evaluate((node) => node.scrollIntoView());
    await shoot(phone.page, 'storm-narrow.png', narrow.height);
    await phone.page.close();
    say('Digests …');
    const omar = await act(browser, site.practiceUrl, 'U0OMAR');
    await omar.type('/flink silence etl-visits 2h "new brokers"');
    await omar.sees(/etl-visits.*silenced|Silenced/i);
    await omar.type('/flink digest');
    await omar.sees(/healthy/);
    await omar.type('/flink digest handover');
    await omar.sees(/Hand-over/i);
    await sleep(settleMs);
    await shoot(omar.page, 'digest.png', 1000);
    await pages(await signIn(lena.page), say);
  } finally {
    await closing.all();
  }
}

async function pages(admin: Page, say: (line: string) => void): Promise<void> {
  say('Pages …');
  const base = new URL(admin.url()).origin;
  await admin.goto(`${base}/incidents`);
  await admin.getByRole('heading', { name: 'Incidents' }).first().waitFor();
  await shoot(admin, 'incidents.png', 900);
  await admin
    .getByRole('link', { name: /etl-orders failed/ })
    .first()
    .click();
  await admin.getByRole('heading', { name: 'etl-orders' }).first().waitFor();
  await shoot(admin, 'incident-page.png', 900);
  await admin.goto(`${base}/rules`);
  await admin.getByRole('heading', { name: 'Rules' }).first().waitFor();
  await shoot(admin, 'rules.png', 900);
}
async function signIn(page: Page): Promise<Page> {
  const box = page.getByLabel('Message #flink-alerts');
  await box.fill('/flink web');
  await box.press('Enter');
  const opened = page.waitForEvent('popup');
  await page.getByRole('button', { name: 'Open the page' }).last().click();
  const admin = await opened;
  await admin.getByRole('button', { name: 'Sign in' }).click();
  await admin.waitForLoadState();
  return admin;
}

/** Sluice with sixteen jobs that run on a cluster of the bench's kind: real ones would take minutes to come up. */
async function startSite(closing: Closing): Promise<{ fleet: Fleet; practiceUrl: string }> {
  const fleet = await startFleet(closing, names.length);
  const slack = await startSlack(closing);
  const dir = await temporaryFolder(closing);
  const installation = await install(slack, dir);
  await startSluice(closing, installation);
  const objects = await temporaryFolder(closing);
  const person = (name: string, role: string) => {
    const found = defaultSeed.people.find((one) => one.name === name);
    return { kind: 'person', name, slackTeamId: defaultSeed.team.id, slackUserId: found?.id, roles: [{ team: 'data', role }] };
  };
  const described = [
    { kind: 'team', name: 'data', channel: 'C0ETL', alertChannel: alerts.id },
    { kind: 'cluster', name: 'production', type: 'standalone', url: fleet.url, team: 'data' },
    person('lena', 'lead'),
    person('omar', 'on-call'),
    person('emma', 'engineer'),
  ];
  for (const [n, one] of described.entries()) await writeFile(join(objects, `${n}.yaml`), stringify(one));
  const applied = await run(process.execPath, [join(projectRoot, 'src/tools/apply.ts'), objects], {
    cwd: projectRoot,
    env: installation.env,
    timeoutMs: 60_000,
  });
  if (applied.code !== 0) throw new UpstreamError(`The site was not set up: ${applied.tail.join(' ')}`);
  await fill(await openRecords(closing, installation));
  return { fleet, practiceUrl: slack.practice.url };
}
async function fill(database: Database): Promise<void> {
  const emma = { teamId: defaultSeed.team.id, userId: 'U0EMMA', name: 'emma' };
  await database.transaction(async (tx) => {
    for (const [n, name] of names.entries()) {
      await createJob(tx, {
        name: `etl-${name}`,
        team: 'data',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: {
          cluster: 'production',
          environment: 'production',
          args: [],
          flink: {},
          links: [{ label: 'Dashboard', url: `https://grafana.shop.example/d/etl-${name}` }],
        },
        origin: 'apply',
        createdBy: emma,
      });
      await insertRun(tx, {
        id: newId('run'),
        job: `etl-${name}`,
        version: 1,
        cluster: 'production',
        flinkJobId: fleetJobId(n),
        operationId: newId('op'),
        state: 'RUNNING',
        stateAt: now,
        startedBy: emma,
        startedAt: new Date(Date.now() - 3_600_000),
        runningAt: new Date(Date.now() - 3_590_000),
        beginning: 'fresh',
        tasksRunning: 2,
        tasksTotal: 2,
        firstCheckpoint: 'seen',
      });
    }
  });
  // Until watch has read the checkpoints of all of them.
  await sleep(settleMs);
}
