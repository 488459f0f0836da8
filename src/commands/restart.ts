import type { Right } from '../access/policy.ts';
import { NotFoundError, UserError } from '../core/errors.ts';
import { text } from '../core/message.ts';
import { quoteWord } from '../core/text.ts';
import { formatAge } from '../core/time.ts';
import { findVersion } from '../jobs/jobs.store.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { holderConflict, holderOf } from '../operations/operations.store.ts';
import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';
import { parseVersion, sourceWords } from './version-option.ts';

export const restart = defineCommand({
  name: 'restart',
  summary: 'Stop with savepoint and start from it, in one operation; with --build the new version is built first.',
  details: 'What runs is not touched before the artifact is there. If the new version does not come up, the way back is offered.',
  examples: ['restart etl-orders', 'restart etl-orders --build', 'restart etl-orders --version v8'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {
    build: { summary: 'Build first, then restart with the new version.' },
    branch: { summary: 'The branch to build.', value: 'branch' },
    version: { summary: 'Another version, or current.', value: 'vN' },
    'no-savepoint': { summary: 'Stop without a savepoint; on production a lead is asked.' },
    reason: { summary: 'Why, for the lead who approves.', value: 'text' },
    'break-glass': { summary: 'Act without a second person; all leads are told.', value: 'reason' },
  },
  kind: 'operate',
  acts: true,
  right: 'operate',
  who: 'engineer, on-call, lead or admin; a build or another version: engineer, lead or admin; `--no-savepoint` on production asks a lead',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const o = args.options;
    const { db } = ctx.services.database;
    const build = o['build'] === true;
    const version = o['version'] === undefined ? undefined : parseVersion(o['version'] as string);
    if (build && version !== undefined)
      throw new UserError('--build makes a new version, so --version has no meaning beside it.', { hint: 'Leave one of them out.' });
    if (o['branch'] !== undefined && !build)
      throw new UserError('--branch belongs to --build.', {
        hint: `For example: /flink restart ${job.name} --build --branch ${quoteWord(String(o['branch']))}`,
      });
    if (build && !job.project)
      throw new UserError(`${job.name} is not built from a git project.`, {
        hint: 'Upload a jar on the page of the job, or let an admin give it a project.',
      });
    if (typeof version === 'number') {
      const found = await findVersion(db, job.name, version);
      if (!found)
        throw new NotFoundError(`${job.name} has no version v${version}.`, {
          hint: `All of them: /flink versions ${job.name}. Nothing was stopped.`,
        });
      if (!found.definition.artifact)
        throw new UserError(`${job.name} v${version} has no build, so it could not be started.`, {
          hint: `Build it: /flink restart ${job.name} --build. Nothing was stopped.`,
        });
    }
    const holder = await holderOf(db, job.name);
    if (holder) throw holderConflict(holder);
    const noSavepoint = o['no-savepoint'] === true;
    const last = (await latestRun(db, job.name))?.lastCheckpoint;
    const right: Right = noSavepoint ? 'rewind' : build || version !== undefined ? 'change' : 'operate';
    return acceptOrAsk(ctx, {
      kind: 'restart',
      job,
      right,
      what: `to restart ${job.name}${noSavepoint ? ' without a savepoint' : build ? ' with a new build' : version === undefined ? '' : ` as ${version === 'current' ? `v${job.currentVersion}` : `v${version}`}`}`,
      reason: o['reason'] as string | undefined,
      breakGlass: o['break-glass'] as string | undefined,
      plan: [
        text(
          last
            ? `${job.name} would be canceled without a savepoint and started from its last checkpoint (${last.id}, ${formatAge(new Date(last.at), ctx.now)}): what came in since is read again, and sinks may see it twice.`
            : `${job.name} would be canceled without a savepoint. No checkpoint of it is known: without one it could not be started from any state.`,
        ),
      ],
      askAgain: `restart ${job.name} --no-savepoint${sourceWords(o)} --reason {input}`,
      input: {
        ...(version === undefined ? {} : { version }),
        ...(build ? { build: true } : {}),
        ...(o['branch'] ? { branch: o['branch'] } : {}),
        ...(noSavepoint ? { noSavepoint: true } : {}),
      },
    });
  },
});
