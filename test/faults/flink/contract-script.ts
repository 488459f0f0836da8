import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFlinkId } from '../../../src/core/ids.ts';
import { until, untilRunning, untilState } from '../../helpers/flink.ts';
import { ordersJob } from '../../helpers/flink-job.ts';
import type { AnswerName } from './answers.ts';

import {
  createTalk,
  formOf,
  idOf,
  type Json,
  locationOf,
  type Talk,
  type Target,
  type Told,
  untilSaved,
  untilShown,
} from './contract-talk.ts';

const hourly = { 'execution.checkpointing.interval': '1 h' };
const restarting = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '10',
  'restart-strategy.fixed-delay.delay': '200 ms',
};

/** Sends a cluster everything that makes it give each of the answers, and notes them. */
export async function askEverything(target: Target): Promise<Told> {
  const told: Told = { answers: [], facts: {} };
  const talk = createTalk(target, told);
  await clusterAndJars(talk);
  const running = await runningJob(talk);
  await refusedRuns(talk, running);
  await endedJobs(talk, running);
  await failingStops(talk);
  await silence(talk);
  return told;
}

async function clusterAndJars(talk: Talk): Promise<void> {
  const { ask, target } = talk;
  await ask('overview', 'GET', '/overview');
  await ask('config', 'GET', '/config');
  await ask('job manager config', 'GET', '/jobmanager/config');
  const { taskmanagers } = (await ask('task-managers', 'GET', '/taskmanagers')) as { taskmanagers: { id: string }[] };
  await ask('log', 'GET', '/jobmanager/log');
  await ask('log of a task manager', 'GET', `/taskmanagers/${taskmanagers[0]?.id}/log`);
  await ask('jobs', 'GET', '/jobs');
  await ask('jobs overview', 'GET', '/jobs/overview');
  await ask('jars', 'GET', '/jars');
  talk.jarId = idOf(await ask('upload', 'POST', '/jars/upload', formOf('etl.jar', await readFile(target.jar))));
  await ask('upload: no jar', 'POST', '/jars/upload', formOf('etl.txt', 'x'));
  await ask('upload: no file', 'POST', '/jars/upload', {});
  const garbage = idOf(await ask('upload', 'POST', '/jars/upload', formOf('garbage.jar', 'no zip')));
  await ask('jars', 'GET', '/jars');
  await ask('run: unreadable jar', 'POST', `/jars/${garbage}/run`, { jobId: newFlinkId(), entryClass: ordersJob });
  await ask('jar deleted', 'DELETE', `/jars/${garbage}`);
  await ask('jar deleted: unknown', 'DELETE', `/jars/${garbage}`);
  await ask('run: unknown jar', 'POST', `/jars/${randomUUID()}_no.jar/run`, { jobId: newFlinkId(), entryClass: ordersJob });
  await ask('no such page', 'GET', '/nope');
  await ask('no such call', 'POST', '/nope', {});
  await ask('no such call', 'DELETE', '/jobs');
}
async function unknownJob({ ask, save }: Talk): Promise<void> {
  const nobody = newFlinkId();
  await ask('job: unknown', 'GET', `/jobs/${nobody}`);
  await ask('status: unknown', 'GET', `/jobs/${nobody}/status`);
  await ask('checkpoints: unknown', 'GET', `/jobs/${nobody}/checkpoints`);
  await ask('checkpoint config: unknown', 'GET', `/jobs/${nobody}/checkpoints/config`);
  await ask('exceptions: unknown', 'GET', `/jobs/${nobody}/exceptions`);
  await ask('job config: unknown', 'GET', `/jobs/${nobody}/config`);
  await ask('accumulators: unknown', 'GET', `/jobs/${nobody}/accumulators`);
  await ask('execution result: unknown', 'GET', `/jobs/${nobody}/execution-result`);
  await ask('cancel: unknown', 'PATCH', `/jobs/${nobody}?mode=cancel`);
  await save('savepoint failed: unknown job', 'savepoints', nobody);
  await ask('job: no id', 'GET', '/jobs/zzz');
  await ask('savepoint: job has no id', 'POST', '/jobs/zzz/savepoints', { triggerId: newFlinkId() });
}

/** A job that runs, looked at from all sides, with a savepoint; its id and the savepoint. */
async function runningJob(talk: Talk): Promise<{ id: string; savepoint: string }> {
  const { ask, save, facts } = talk;
  const { client } = talk.target;
  const id = await talk.start(['--rate', '100', '--name', 'orders'], {
    parallelism: 2,
    flinkConfiguration: { 'execution.checkpointing.interval': '500 ms', 'pipeline.name': 'not this' },
  });
  const trigger = await save('savepoint done', 'savepoints', id, { formatType: 'CANONICAL', 'cancel-job': false });
  const savepoint = await locationOf(client, id, trigger);
  await until('accumulators', async () => (await client.accumulators(id))['orders'] !== undefined);
  const job = await ask('job', 'GET', `/jobs/${id}`);
  facts['a running job'] = [
    job['name'],
    job['state'],
    (job['vertices'] as Json[]).map((v) => [v['id'], v['name'], v['parallelism'], v['status'], v['tasks']]),
  ];
  await ask('status', 'GET', `/jobs/${id}/status`);
  await ask('jobs', 'GET', '/jobs');
  await ask('jobs overview', 'GET', '/jobs/overview');
  await talk.checkpoints(id, ({ latest, counts }) => Boolean(latest.completed && latest.savepoint) && counts.in_progress === 0);
  await ask('checkpoint config', 'GET', `/jobs/${id}/checkpoints/config`);
  await ask('exceptions', 'GET', `/jobs/${id}/exceptions?maxExceptions=5`);
  await ask('exceptions: no number', 'GET', `/jobs/${id}/exceptions?maxExceptions=x`);
  await ask('job config', 'GET', `/jobs/${id}/config`);
  await ask('accumulators', 'GET', `/jobs/${id}/accumulators`);
  const [source, totals] = job['vertices'] as { id: string }[];
  const metrics = (vertex: string | undefined) => `/jobs/${id}/vertices/${vertex}/subtasks/metrics`;
  // Flink reads them from its TaskManagers every 10 s.
  await until('metrics of both vertices', async () => {
    const wanted = ['numRecordsIn', 'numRecordsOut', 'backPressuredTimeMsPerSecond'];
    const seen = await Promise.all([source, totals].map((vertex) => client.subtaskMetrics(id, vertex?.id ?? '', wanted)));
    return seen.every((values) => wanted.every((name) => values.has(name)));
  });
  await ask('subtask metric names', 'GET', metrics(source?.id));
  await ask('subtask metrics', 'GET', `${metrics(source?.id)}?get=numRecordsIn,numRecordsOut,Source__order_numbers.numRecordsOut`);
  await ask('subtask metrics: none', 'GET', `${metrics(source?.id)}?get=numRecordsIn,nope`);
  await ask('subtask metrics', 'GET', `${metrics(totals?.id)}?get=numRecordsIn,currentInputWatermark,backPressuredTimeMsPerSecond`);
  await ask('subtask metrics: none', 'GET', metrics(newFlinkId()));
  await ask('subtask metrics: none', 'GET', `/jobs/${newFlinkId()}/vertices/${source?.id}/subtasks/metrics`);
  await ask('execution result: running', 'GET', `/jobs/${id}/execution-result`);
  await unknownJob(talk);
  await ask('savepoint: unknown trigger', 'GET', `/jobs/${id}/savepoints/${newFlinkId()}`);
  await ask('savepoint: no id', 'GET', `/jobs/${id}/savepoints/zz`);
  await ask('savepoint: no trigger id', 'POST', `/jobs/${id}/savepoints`, { triggerId: 'zz' });
  await ask('savepoint: unreadable body', 'POST', `/jobs/${id}/savepoints`, '{');
  await ask('savepoint: unreadable body', 'POST', `/jobs/${id}/savepoints`, { triggerId: newFlinkId(), formatType: 'NOPE' });
  await ask('stop: unreadable body', 'POST', `/jobs/${id}/stop`, '{');
  await ask('cancel: no mode', 'PATCH', `/jobs/${id}?mode=nope`);
  await writeFile(join(talk.target.dir, 'file'), '');
  await save('savepoint failed: directory', 'savepoints', id, { 'target-directory': join(talk.target.dir, 'file/x') });
  await save('savepoint failed: directory', 'stop', id, { targetDirectory: join(talk.target.dir, 'file/x') });
  await save('savepoint failed: foreign directory', 'savepoints', id, { 'target-directory': 's3://bucket/x' });
  // A trigger id that was used before: the old result, and nothing is done.
  await ask('stop asked', 'POST', `/jobs/${id}/stop`, { triggerId: trigger });
  await ask('savepoint done', 'GET', `/jobs/${id}/savepoints/${trigger}`);
  facts['a stop under the id of a savepoint'] = [(await locationOf(client, id, trigger)) === savepoint, await client.jobStatus(id)];
  return { id, savepoint };
}

async function refusedRuns(talk: Talk, running: { id: string; savepoint: string }): Promise<void> {
  const { run, target, facts } = talk;
  const { savepoint } = running;
  await run('run: unreadable body', { parallelism: 'x' });
  await run('run: unreadable body', { programArgsList: 'x' });
  await run('run: unreadable body', { claimMode: 'NOPE' });
  await run('run: no job id', { jobId: 'xyz' });
  await run('run: no such class', { entryClass: 'a.Nope' });
  await run('run: no main class', { entryClass: null });
  await run('run: main threw', { programArgsList: ['--throw-main', 'orders.conf'] });
  await run('run: no execute', { programArgsList: ['--no-execute'] });
  await run('run: parallelism', { parallelism: 0 });
  await run('run: duplicate', { jobId: running.id });
  const folder = join(target.dir, 'point');
  await run('run: no restore point', { savepointPath: folder });
  await mkdir(folder, { recursive: true });
  await run('run: no metadata', { savepointPath: folder });
  await writeFile(join(folder, '_metadata'), '');
  await run('run: empty metadata', { savepointPath: folder });
  await writeFile(join(folder, '_metadata'), 'garbage garbage garbage');
  await run('run: corrupt restore point', { savepointPath: folder });
  await run('run: foreign restore point', { savepointPath: 's3://bucket/point' });
  await run('run: state does not fit', { savepointPath: savepoint, programArgsList: ['--uid-suffix', '-2'] });
  await run('run: parallelism above saved', { savepointPath: savepoint, parallelism: 200 });
  await run('run: other max parallelism', { savepointPath: savepoint, programArgsList: ['--max-parallelism', '64'] });
  await run('run: parallelism above max', { parallelism: 8, programArgsList: ['--max-parallelism', '4'] });
  await run('run: checkpoint directory', { flinkConfiguration: { 'execution.checkpointing.dir': `file://${target.dir}/file/x` } });
  await run('run: foreign checkpoint directory', { flinkConfiguration: { 'execution.checkpointing.dir': 's3://bucket/x' } });
  const burnt = newFlinkId();
  await run('run: no restore point', { jobId: burnt, savepointPath: join(target.dir, 'nowhere') });
  facts['after a restore that failed'] = await target.client.jobStatus(burnt);
  await lookAt(talk, burnt, { job: 'job that failed at its start', result: 'execution result: failed' });
  await run('run: duplicate', { jobId: burnt });
  const twice = newFlinkId();
  await run('run: second execute', { jobId: twice, programArgsList: ['--twice', '--rate', '1'] });
  await untilState(target.client, twice, 'RUNNING');
  await talk.ask('cancel', 'PATCH', `/jobs/${twice}?mode=cancel`);
  await talk.ask('cancel', 'PATCH', `/jobs/${twice}?mode=cancel`);
  await untilState(target.client, twice, 'CANCELED');
}

/** Everything that is read of one job. */
async function lookAt({ ask }: Talk, id: string, names: { job: AnswerName; result: AnswerName }): Promise<void> {
  await ask(names.job, 'GET', `/jobs/${id}`);
  await ask('status', 'GET', `/jobs/${id}/status`);
  await ask('exceptions', 'GET', `/jobs/${id}/exceptions?maxExceptions=5`);
  await ask('checkpoint config', 'GET', `/jobs/${id}/checkpoints/config`);
  await ask('job config', 'GET', `/jobs/${id}/config`);
  await ask(names.result, 'GET', `/jobs/${id}/execution-result`);
}

async function endedJobs(talk: Talk, running: { id: string }): Promise<void> {
  const { ask, save, facts, start } = talk;
  const { client } = talk.target;
  const trigger = await save('savepoint done', 'stop', running.id, { formatType: 'CANONICAL', drain: false });
  facts['after a stop'] = await client.jobStatus(running.id);
  const stopped = await locationOf(client, running.id, trigger);
  await ask('stop asked', 'POST', `/jobs/${running.id}/stop`, { triggerId: trigger });
  await ask('savepoint done', 'GET', `/jobs/${running.id}/savepoints/${trigger}`);
  await save('savepoint failed: unknown job', 'stop', running.id);
  await ask('cancel: ended', 'PATCH', `/jobs/${running.id}?mode=cancel`);
  await untilShown(client, running.id, 'FINISHED');
  await lookAt(talk, running.id, { job: 'job', result: 'execution result: ended' });
  const { latest } = await talk.checkpoints(running.id, (answer) => answer.latest.savepoint?.external_path === stopped);
  facts['checkpoints of a job that FINISHED'] = [
    latest.completed?.discarded,
    latest.savepoint?.discarded,
    latest.savepoint?.checkpoint_type,
  ];

  const next = await start([], {
    savepointPath: stopped,
    claimMode: 'NO_CLAIM',
    flinkConfiguration: { 'pipeline.name': 'again', 'execution.checkpointing.interval': '300 ms' },
  });
  const { latest: now } = await talk.checkpoints(next, ({ latest, counts }) => Boolean(latest.completed) && counts.in_progress === 0);
  facts['a restored job'] = [now.restored?.external_path === stopped, now.restored?.is_savepoint, (await client.job(next)).name];
  await ask('cancel', 'PATCH', `/jobs/${next}?mode=cancel`);
  await untilShown(client, next, 'CANCELED');
  await lookAt(talk, next, { job: 'job', result: 'execution result: ended' });

  const failing = newFlinkId();
  await talk.run('run', { jobId: failing, programArgsList: ['--fail-after', '60'], flinkConfiguration: hourly });
  await untilShown(client, failing, 'FAILED');
  await lookAt(talk, failing, { job: 'job', result: 'execution result: failed' });
  await ask('jobs overview', 'GET', '/jobs/overview');

  const big = newFlinkId();
  await talk.run('run', { jobId: big, parallelism: 6 });
  await untilState(client, big, 'RUNNING');
  await save('savepoint failed: tasks do not run', 'savepoints', big);
  await ask('cancel', 'PATCH', `/jobs/${big}?mode=cancel`);
  await untilState(client, big, 'CANCELED');
}

async function failingStops(talk: Talk): Promise<void> {
  const { ask, facts, start } = talk;
  const { client, is2 } = talk.target;
  const closing = await start(['--fail-close', '--rate', '1'], { flinkConfiguration: { ...hourly, ...restarting } });
  await talk.save('savepoint failed: stopping failed, savepoint made', 'stop', closing);
  await untilState(client, closing, 'FAILED');

  const slow = await start(['--slow-checkpoint', '2000', '--rate', '1'], { flinkConfiguration: { ...hourly, ...restarting } });
  // 2.x takes a checkpoint at once, and a savepoint would wait for it.
  if (is2) await until('the first checkpoint', async () => Boolean((await client.checkpoints(slow)).latest.completed));
  const [a, b] = [newFlinkId(), newFlinkId()];
  await ask('stop asked', 'POST', `/jobs/${slow}/stop`, { triggerId: a });
  await ask('savepoint running', 'GET', `/jobs/${slow}/savepoints/${a}`);
  // A stop that has not begun is only queued: the second must find it under way.
  await talk.checkpoints(slow, ({ counts, history }) => counts.in_progress === 1 && history[0]?.is_savepoint === true);
  await ask('stop asked', 'POST', `/jobs/${slow}/stop`, { triggerId: b });
  for (const trigger of [a, b]) await untilSaved(client, slow, trigger);
  await ask('savepoint failed: broken off', 'GET', `/jobs/${slow}/savepoints/${a}`);
  // Which of the two words 2.x has is a race between a task's answer and the coordinator.
  const second = await client.savepointResult(slow, b);
  const declined = second.state === 'failed' && second.error.kind === 'not-all-running';
  await ask(declined ? 'savepoint failed: declined' : 'savepoint failed: broken off', 'GET', `/jobs/${slow}/savepoints/${b}`);
  await untilState(client, slow, 'RUNNING');
  facts['after two stops'] = (await untilRunning(client, slow)).state;
  await ask('cancel', 'PATCH', `/jobs/${slow}?mode=cancel`);
  await untilState(client, slow, 'CANCELED');
}

/** A JobManager that is frozen, and one that is killed. */
async function silence(talk: Talk): Promise<void> {
  const { ask, facts, target } = talk;
  const late = newFlinkId();
  await target.freeze();
  const gaveUp = await fetch(`${target.url}/jars/${talk.jarId}/run`, {
    method: 'POST',
    body: JSON.stringify({ jobId: late, entryClass: ordersJob, programArgsList: ['--rate', '1'] }),
    signal: AbortSignal.timeout(500),
  }).then(
    () => 'answered',
    (error: Error) => error.name,
  );
  await target.thaw();
  await untilState(target.client, late, 'RUNNING');
  facts['a run that a frozen JobManager was asked for'] = [gaveUp, await target.client.jobStatus(late)];
  const trigger = newFlinkId();
  await ask('savepoint asked', 'POST', `/jobs/${late}/savepoints`, { triggerId: trigger });

  await target.restart();
  // The sockets of before are dead, and the first request may find that out.
  await until('the new JobManager', () => talk.call('GET', '/jobs'));
  await ask('jobs', 'GET', '/jobs');
  await ask('status: unknown', 'GET', `/jobs/${late}/status`);
  await ask('savepoint: unknown trigger', 'GET', `/jobs/${late}/savepoints/${trigger}`);
  talk.jarId = idOf(await ask('upload', 'POST', '/jars/upload', formOf('etl.jar', await readFile(target.jar))));
  await talk.run('run', { jobId: late, programArgsList: ['--rate', '1'] });
  await ask('cancel', 'PATCH', `/jobs/${late}?mode=cancel`);
  facts['an id of before'] = (await target.client.jobs()).map((job) => job.id === late);
}
