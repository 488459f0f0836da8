import { record } from '../access/audit.store.ts';
import { PermissionError, UserError } from '../core/errors.ts';
import { actions, message, text } from '../core/message.ts';
import { addVersion, type JobDefinition, lockJob } from '../jobs/jobs.store.ts';
import { assignParameter, countsAtOnce, diffDefinitions, ParameterProblem, parameters } from '../jobs/parameters.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { commandButton, defineCommand } from './spec.ts';
import { diffTable } from './views/diff-table.ts';

export const set = defineCommand({
  name: 'set',
  summary: 'Change parameters: makes the next version; what runs stays until a restart.',
  details: `Several at once; an empty value unsets. Keys: ${parameters.map((p) => p.key).join(', ')}, or any Flink key.`,
  examples: [
    'set etl-orders parallelism=4',
    'set etl-orders args="--rate 200" taskmanager.memory.process.size=2g',
    'set etl-orders checkpoint-interval=',
    'set etl-orders tags=nightly,billing keep-savepoints=5',
  ],
  arguments: [
    { name: 'job', summary: 'The job.', required: true, kind: 'job' },
    { name: 'key=value', summary: 'What to change, for example parallelism=4.', required: true, kind: 'rest' },
  ],
  options: {},
  kind: 'operate',
  right: 'change',
  who: 'engineer, lead or admin; the environment: lead or admin',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const changes = args.rest.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new UserError(`${word} is no key=value.`, { hint: `For example: /flink set ${job.name} parallelism=4` });
      return [word.slice(0, at).trim(), word.slice(at + 1)] as const;
    });
    const definition = applyAll(job.current.definition, changes);
    if (definition.cluster !== job.current.definition.cluster) await ctx.services.deployers.of(definition.cluster);
    if (diffDefinitions(job.current.definition, definition).length === 0)
      return message('neutral', `Nothing to change: ${job.name} v${job.currentVersion} says that already`);
    if (definition.environment !== job.current.definition.environment && ctx.verdict('register', job) !== 'yes')
      throw new PermissionError(`You may not change the environment of ${job.name}: that needs a lead of team ${job.team} or an admin.`, {
        hint: 'It decides what has to be approved.',
      });
    return ctx.effect(async (tx) => {
      // Read again under the lock: a change made meanwhile is built upon, not overwritten.
      const fresh = (await lockJob(tx, job.name)) ?? job;
      const changed = applyAll(fresh.current.definition, changes);
      const differences = diffDefinitions(fresh.current.definition, changed);
      const number = await addVersion(tx, job.name, {
        definition: changed,
        origin: 'set',
        note: changes.map(([k]) => k).join(', '),
        createdBy: ctx.me().ref,
      });
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'version.created',
        subject: `job:${job.name}`,
        details: { version: number, changes: differences },
      });
      const run = await latestRun(tx, job.name);
      const runs = run && !run.ended;
      const atOnce = differences.every((one) => countsAtOnce(one.key));
      return message(
        'good',
        `${job.name} v${number} saved and current`,
        diffTable(differences, `v${fresh.currentVersion}`, `v${number}`),
        text(
          atOnce
            ? 'It counts from now on; what runs is not touched.'
            : runs
              ? `v${run.version} runs on unchanged until a restart.`
              : 'It is what a start with --version current uses.',
        ),
        ...(runs && !atOnce
          ? [
              actions(
                commandButton(`Restart with v${number}`, `restart ${job.name} --version v${number}`),
                commandButton(`Back to v${fresh.currentVersion}`, `use ${job.name} v${fresh.currentVersion}`),
              ),
            ]
          : []),
      );
    });
  },
});

function applyAll(definition: JobDefinition, changes: readonly (readonly [string, string])[]): JobDefinition {
  const problems: string[] = [];
  let out = definition;
  for (const [key, value] of changes)
    try {
      out = assignParameter(out, key, value);
    } catch (error) {
      if (!(error instanceof ParameterProblem)) throw error;
      problems.push(error.message);
    }
  if (problems.length > 0) throw new UserError(problems.join(' '), { hint: 'Nothing was changed.' });
  return out;
}
