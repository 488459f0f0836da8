import { record } from '../access/audit.store.ts';
import { NotFoundError, PermissionError } from '../core/errors.ts';
import { actions, message, text } from '../core/message.ts';
import { findVersion, lockJob, setCurrentVersion } from '../jobs/jobs.store.ts';
import { diffDefinitions } from '../jobs/parameters.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { commandButton, defineCommand } from './spec.ts';
import { versionNumber } from './version-option.ts';
import { diffTable } from './views/diff-table.ts';

export const use = defineCommand({
  name: 'use',
  summary: 'Make another version current; what runs stays until a restart.',
  examples: ['use etl-orders v3'],
  arguments: [
    { name: 'job', summary: 'The job.', required: true, kind: 'job' },
    { name: 'version', summary: 'The version, for example v3.', required: true, kind: 'text' },
  ],
  options: {},
  kind: 'operate',
  right: 'change',
  who: 'engineer, lead or admin; a version of another environment: lead or admin',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const number = versionNumber(args.values['version'] as string);
    const version = await findVersion(ctx.services.database.db, job.name, number);
    if (!version) throw new NotFoundError(`${job.name} has no version v${number}.`, { hint: `All of them: /flink versions ${job.name}` });
    if (number === job.currentVersion) return message('neutral', `${job.name} v${number} is current already`);
    if (version.definition.environment !== job.current.definition.environment && ctx.verdict('register', job) !== 'yes')
      throw new PermissionError(
        `v${number} is for ${version.definition.environment}: changing the environment needs a lead of team ${job.team} or an admin.`,
      );
    return ctx.effect(async (tx) => {
      const before = (await lockJob(tx, job.name)) ?? job;
      await setCurrentVersion(tx, job.name, number);
      const run = await latestRun(tx, job.name);
      const runs = run && !run.ended;
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'version.used',
        subject: `job:${job.name}`,
        details: {
          from: before.currentVersion,
          to: number,
          changes: diffDefinitions(before.current.definition, version.definition),
        },
      });
      return message(
        'good',
        `${job.name} v${number} is current`,
        diffTable(diffDefinitions(before.current.definition, version.definition), `v${before.currentVersion}`, `v${number}`),
        text(runs ? `v${run.version} runs on unchanged until a restart.` : 'It is what a start with --version current uses.'),
        actions(
          runs
            ? commandButton(`Restart with v${number}`, `restart ${job.name} --version v${number}`)
            : commandButton(`Start v${number}`, `start ${job.name} --version v${number}`),
        ),
      );
    });
  },
});
