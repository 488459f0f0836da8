import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTeam, putTeam } from '../../src/access/people.store.ts';
import { causeRules } from '../../src/incidents/causes.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { browser, createRig, plainText } from './rig.ts';
import { emma, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

const textOf = (body: string) => plainText(body.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');

test('rules: each in words with severity, how it closes, its runbook; thresholds of the installation, a team, a job, and who set them', async (t) => {
  const rig = await createRig(t, { thresholds: { 'restarting-for': 45_000, 'recoverable-within': 30 * 60_000 } });
  await seedFleet(rig.database);
  await rig.database.transaction(async (tx) => {
    await putTeam(tx, { ...(await findTeam(tx, 'data'))!, thresholds: { 'recoverable-within': '12 min' } });
    const job = (await findJob(tx, 'sessions'))!;
    const own = { ...job.current.definition, recoverableWithin: '90 s' };
    await addVersion(tx, 'sessions', { definition: own, origin: 'set', createdBy: emma });
  });
  const page = await rig.as(vic);
  const read = async (of: string) => textOf((await page.get(`/rules?for=${of}`)).body);

  const all = await page.get('/rules');
  for (const [cause, rule] of Object.entries(causeRules)) {
    assert.ok(textOf(all.body).includes(`${rule.name} ${rule.text} ${rule.severity}`), cause);
    assert.ok(textOf(all.body).includes(rule.closes), cause);
    assert.ok(all.body.includes(`href="/runbooks/${cause}"`), cause);
  }
  assert.match(textOf(all.body), /45 s how long a job may restart .* set by incidents\.restartingFor ; the default is 30 s/);
  assert.match(textOf(all.body), /30 min how old the last complete checkpoint may be \( recoverable-within \): the default/);
  assert.match(await read('team:data'), /12 min how old .* set by team data; the default is 30 min/);
  assert.match(await read('sessions'), /90 s how old .* set by the job/);
  assert.match(await read('sessionz'), /There is no job or team sessionz\. Did you mean sessions\?/);
  assert.match((await page.get('/incidents')).body, /href="\/rules"/);
});

test('runbooks: readable under the address that alerts link, with the names of the job and the cluster in the commands; behind the sign-in', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const page = await rig.as(vic);
  for (const cause of Object.keys(causeRules)) {
    const { status, body } = await page.get(`/runbooks/${cause}`);
    assert.equal(status, 200, cause);
    assert.match(body, /<h1>[^<]+<\/h1>[\s\S]*<h2>First look<\/h2>\s*<ol><li>/, cause);
    // Whatever it links is there.
    for (const [, href = ''] of body.matchAll(/<div class="prose">[\s\S]*?<\/div>/g)) assert.doesNotMatch(href, /\.md"/);
    for (const [, other = ''] of body.matchAll(/href="\/runbooks\/([a-z-]+)"/g))
      assert.ok(readdirSync(join(import.meta.dirname, '../../docs/runbooks')).includes(`${other}.md`), `${cause} links ${other}`);
  }
  const named = textOf((await page.get('/runbooks/failed?job=clicks-hourly&cluster=prod')).body);
  assert.match(named, /\/flink start clicks-hourly /);
  assert.doesNotMatch(named, /etl-orders/);
  assert.match(textOf((await page.get('/runbooks/lost?cluster=prod')).body), /\/flink silence cluster:prod /);
  assert.doesNotMatch((await page.get('/runbooks/failed?job=%3Cscript%3Ex')).body, /<script>x/);
  assert.equal((await page.get('/runbooks/..%2Falerts')).status, 404);
  assert.equal((await browser(rig.web, '').get('/runbooks/failed')).status, 401);
});
