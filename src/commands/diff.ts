import { NotFoundError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { findVersion } from '../jobs/jobs.store.ts';
import { diffDefinitions } from '../jobs/parameters.ts';
import { defineCommand } from './spec.ts';
import { versionNumber } from './version-option.ts';
import { diffTable } from './views/diff-table.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'What differs between two versions; with one, against the current.',
  examples: ['diff etl-orders v3 v5', 'diff etl-orders v3'],
  arguments: [
    { name: 'job', summary: 'The job.', required: true, kind: 'job' },
    { name: 'from', summary: 'A version, for example v3.', required: true, kind: 'text' },
    { name: 'to', summary: 'Another version; the current one when left out.', required: false, kind: 'text' },
  ],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const [a, b] = [
      versionNumber(args.values['from'] as string),
      args.values['to'] === undefined ? job.currentVersion : versionNumber(args.values['to']),
    ];
    const [before, after] = [
      await findVersion(ctx.services.database.db, job.name, a),
      await findVersion(ctx.services.database.db, job.name, b),
    ];
    if (!before || !after)
      throw new NotFoundError(`${job.name} has no version v${before ? b : a}.`, { hint: `All of them: /flink versions ${job.name}` });
    const differences = diffDefinitions(before.definition, after.definition);
    if (differences.length === 0) return message('neutral', `v${a} and v${b} of ${job.name} say the same`);
    return message(
      'neutral',
      `${job.name}: v${a} and v${b} differ in ${differences.length} parameter${differences.length === 1 ? '' : 's'}`,
      diffTable(differences, `v${a}`, `v${b}`),
    );
  },
});
