import { parseDuration } from '../core/time.ts';
import type { JobDefinition } from '../db/schema/index.ts';

/**
 * The Flink options of one run, under the newest key names (rig-tested on 1.20 and 2.x): what the definition says, plus what Sluice needs so that
 * no state is lost silently: checkpoints kept after a cancel or a failure, at least three of them.
 */
export function flinkOptions(job: string, definition: JobDefinition): Record<string, string> {
  const options: Record<string, string> = {
    'pipeline.name': job,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.num-retained': '3',
  };
  const d = definition;
  if (d.checkpointInterval) options['execution.checkpointing.interval'] = flinkDuration(d.checkpointInterval);
  if (d.checkpointDir) options['execution.checkpointing.dir'] = d.checkpointDir;
  if (d.savepointDir) options['execution.checkpointing.savepoint-dir'] = d.savepointDir;
  if (d.stateBackend) options['state.backend.type'] = d.stateBackend;
  const restart = d.restartStrategy;
  if (restart) {
    options['restart-strategy.type'] = restart.kind;
    if (restart.kind === 'fixed-delay') {
      options['restart-strategy.fixed-delay.attempts'] = String(restart.attempts);
      options['restart-strategy.fixed-delay.delay'] = flinkDuration(restart.delay);
    }
  }
  return { ...options, ...d.flink };
}

/** `10s` and `5 min` as Flink reads them; it takes no fractions, so `1.5 min` becomes `90000ms`. */
function flinkDuration(value: string): string {
  if (value.includes('.')) return `${Math.round(parseDuration(value) ?? 0)}ms`;
  return value
    .replace(/\s+/g, '')
    .replace(/(\d)m$/, '$1min')
    .replace(/(\d)sec$/, '$1s');
}
