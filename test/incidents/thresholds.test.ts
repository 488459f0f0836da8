import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { Settings } from '../../src/config/schema.ts';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { type Cause, causeRules, ruleOf } from '../../src/incidents/causes.ts';
import { incidentLinks } from '../../src/incidents/runbook.ts';
import { type ThresholdRule, thresholdInForce, thresholdNames, thresholds } from '../../src/incidents/thresholds.ts';

const minute = 60_000;
const job = (more: Partial<JobDefinition> = {}): JobDefinition => ({
  cluster: 'standalone',
  environment: 'production',
  args: [],
  flink: {},
  links: [],
  ...more,
});

describe('the threshold that counts', () => {
  it("is the job's own, else its team's, else the installation's, else the default", () => {
    const sources = {
      job: job({ recoverableWithin: '5 min', restartingFor: '0s' }),
      team: { 'recoverable-within': '15 min', 'restarting-for': '1 min' },
      installation: { 'recoverable-within': 60 * minute, 'restarting-for': 10_000 },
    };
    assert.deepEqual(thresholdInForce('recoverable-within', sources), { value: 5 * minute, from: 'job' });
    assert.deepEqual(thresholdInForce('restarting-for', sources), { value: 0, from: 'job' });
    const ofTeam = { ...sources, job: job() };
    assert.deepEqual(thresholdInForce('recoverable-within', ofTeam), { value: 15 * minute, from: 'team' });
    assert.deepEqual(thresholdInForce('restarting-for', ofTeam), { value: minute, from: 'team' });
    const other = { ...ofTeam, team: { 'restarting-for': '1 min' } };
    assert.deepEqual(thresholdInForce('recoverable-within', other), { value: 60 * minute, from: 'installation' });
    assert.deepEqual(thresholdInForce('restarting-for', { installation: {} }), { value: 30_000, from: 'default' });
    assert.deepEqual(thresholdInForce('restarting-for', { installation: { 'restarting-for': 30_000 } }), {
      value: 30_000,
      from: 'default',
    });
  });
  it('can be turned off where that makes sense: by a job, a team, or 0 of the installation', () => {
    const off = Number.POSITIVE_INFINITY;
    assert.deepEqual(thresholdInForce('no-data-after', { job: job({ noDataAfter: 'off' }), installation: {} }), {
      value: off,
      from: 'job',
    });
    assert.deepEqual(thresholdInForce('checkpoint-growth', { team: { 'checkpoint-growth': '5' }, installation: {} }), {
      value: 5,
      from: 'team',
    });
    assert.deepEqual(thresholdInForce('watermark-after', { installation: { 'watermark-after': 0 } }), { value: off, from: 'installation' });
    assert.deepEqual(thresholdInForce('restarting-for', { installation: { 'restarting-for': 0 } }), { value: 0, from: 'installation' });
    assert.equal(thresholdInForce('restarting-for', { team: { 'restarting-for': 'off' }, installation: {} }).from, 'default');
  });
  it('is never under three checkpoint intervals of a job that does not ask for it itself', () => {
    const sources = { team: { 'recoverable-within': '15 min' }, installation: {}, checkpointIntervalMs: 30 * minute };
    assert.deepEqual(thresholdInForce('recoverable-within', sources), { value: 90 * minute, from: 'interval' });
    assert.deepEqual(thresholdInForce('recoverable-within', { ...sources, checkpointIntervalMs: 5 * minute }), {
      value: 15 * minute,
      from: 'team',
    });
    assert.deepEqual(thresholdInForce('recoverable-within', { ...sources, job: job({ recoverableWithin: '10 min' }) }), {
      value: 10 * minute,
      from: 'job',
    });
    assert.equal(thresholdInForce('restarting-for', { ...sources, team: null }).from, 'default');
  });
});

test('sluice.yaml has each threshold under the name that is shown, with the same default', () => {
  const settings = Settings.parse({}) as unknown as Record<string, Record<string, unknown>>;
  for (const name of thresholdNames) {
    const { setting, standard }: ThresholdRule = thresholds[name];
    const [room = '', key = ''] = (setting ?? '').split('.');
    if (setting) assert.equal(settings[room]?.[key], standard, name);
  }
});

const docs = join(import.meta.dirname, '../../docs');
for (const cause of Object.keys(causeRules) as Cause[])
  test(`${cause}: every rule has its text, its runbook, and its rows in docs/alerts.md`, () => {
    const { name, text, closes, settles, threshold } = ruleOf(cause);
    assert.match(text, /^[A-Z].{20,}\.$/);
    assert.match(closes, /^(when|with) \w/);
    assert.ok(!settles || threshold, 'what has to last has a threshold');
    const alerts = readFileSync(join(docs, 'alerts.md'), 'utf8');
    assert.ok(alerts.includes(`\n| [${name}](runbooks/${cause}.md) |`), 'a row under "What becomes an incident" that links the runbook');
    const runbook = readFileSync(join(docs, 'runbooks', `${cause}.md`), 'utf8');
    assert.deepEqual(
      [...runbook.matchAll(/^#+ (.*)$/gm)].slice(1).map(([, title]) => title),
      ['What is proven', 'First look', 'Then', 'How it closes', 'Common causes'],
    );
    assert.ok(runbook.length < 4000, 'short enough for the middle of the night');
  });

test("a runbook of the job's own comes before Sluice's", () => {
  const page = { label: 'Page', url: 'https://s/jobs/a' };
  const logs = { label: 'logs', url: 'https://logs' };
  const labels = (own: { label: string; url: string }[]) =>
    incidentLinks('https://s', { cause: 'failed', job: 'a', cluster: 'c' }, [page], own).map((link) => link.label);
  assert.deepEqual(labels([logs]), ['Page', 'Runbook', 'logs']);
  assert.deepEqual(labels([logs, { label: 'runbook', url: 'https://w' }]), ['Page', 'logs', 'runbook', 'Runbook of Sluice']);
  assert.equal(
    incidentLinks('https://s', { cause: 'lost', job: 'a', cluster: 'c' }, [])[0]?.url,
    'https://s/runbooks/lost?job=a&cluster=c',
  );
});
