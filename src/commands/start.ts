import type { Right } from '../access/policy.ts';
import { UserError } from '../core/errors.ts';
import { text } from '../core/message.ts';
import { quoteWord } from '../core/text.ts';
import { holderConflict, holderOf } from '../operations/operations.store.ts';
import { gatherStartFacts } from '../operations/start-facts.ts';
import { decideStart } from '../operations/start-plan.ts';
import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';
import { parseVersion, sourceWords } from './version-option.ts';

export const start = defineCommand({
  name: 'start',
  aliases: ['resume'],
  summary: 'Start a job; after a stop or a crash it resumes the version that ran, from its newest state.',
  details: 'Without options nothing is lost and nobody has to approve. --fresh throws the state away and on production asks a lead.',
  examples: ['start etl-orders', 'start etl-orders --build', 'start etl-orders --version v6'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {
    build: { summary: 'Build first, then start the new version from the newest state.' },
    branch: { summary: 'The branch to build.', value: 'branch' },
    version: { summary: 'Another version, or current.', value: 'vN' },
    fresh: { summary: 'From nothing: the state is not used.' },
    reason: { summary: 'Why, for the lead who approves.', value: 'text' },
    'break-glass': { summary: 'Act without a second person; all leads are told.', value: 'reason' },
  },
  kind: 'operate',
  acts: true,
  right: 'operate',
  slow: 'maybe',
  who: 'engineer, on-call, lead or admin; a first start, a build or another version: engineer, lead or admin; `--fresh` on production asks a lead',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const o = args.options;
    const build = o['build'] === true;
    const fresh = o['fresh'] === true;
    const breakGlass = o['break-glass'] as string | undefined;
    const version = o['version'] === undefined ? undefined : parseVersion(o['version'] as string);
    if (build && version !== undefined)
      throw new UserError('--build makes a new version, so --version has no meaning beside it.', { hint: 'Leave one of them out.' });
    if (o['branch'] !== undefined && !build)
      throw new UserError('--branch belongs to --build.', {
        hint: `For example: /flink start ${job.name} --build --branch ${quoteWord(String(o['branch']))}`,
      });
    if (build && !job.project)
      throw new UserError(`${job.name} is not built from a git project.`, {
        hint: 'Upload a jar on the page of the job, or let an admin give it a project.',
      });
    const holder = await holderOf(ctx.services.database.db, job.name);
    if (holder) throw holderConflict(holder);
    const wish = { version, fresh, from: undefined, breakGlass: breakGlass !== undefined };
    const facts = await gatherStartFacts(ctx.services, job, wish);
    const decision = decideStart(build ? withBuild(facts) : facts, wish, ctx.now);
    if (decision.is === 'refused') throw decision.error;
    const { plan } = decision;
    const hadState = facts.run !== undefined;
    const right: Right = fresh && hadState ? 'rewind' : build || plan.beginning === 'upgrade' || !hadState ? 'change' : 'operate';
    return acceptOrAsk(ctx, {
      kind: 'start',
      job,
      right,
      what: `to start ${job.name}${howWords({ fresh, build, upgrade: plan.beginning === 'upgrade' ? plan.version : undefined, first: !hadState })}`,
      reason: o['reason'] as string | undefined,
      breakGlass,
      plan: [
        text(
          `${job.name} is not running. It would start as v${plan.version} with empty state; its restore points stay where they are, but this run would not use them. Input is read from where its source begins.`,
        ),
      ],
      askAgain: `start ${job.name} --fresh${sourceWords(o)} --reason {input}`,
      input: {
        ...(version === undefined ? {} : { version }),
        ...(fresh ? { fresh: true } : {}),
        ...(build ? { build: true } : {}),
        ...(o['branch'] ? { branch: o['branch'] } : {}),
      },
    });
  },
});

/** What sets this start apart from a resume, for the sentences about it. */
function howWords(how: { fresh: boolean; build: boolean; upgrade: number | undefined; first: boolean }): string {
  if (how.fresh) return ' from nothing';
  if (how.build) return ' with a new build';
  if (how.first) return ' for the first time';
  return how.upgrade === undefined ? '' : ` as v${how.upgrade}`;
}

/** With a build ahead, a version without an artifact is no reason to refuse. */
function withBuild<T extends { version: { definition: { artifact?: string } } | undefined }>(facts: T): T {
  if (!facts.version || facts.version.definition.artifact) return facts;
  return { ...facts, version: { ...facts.version, definition: { ...facts.version.definition, artifact: 'to be built' } } };
}
