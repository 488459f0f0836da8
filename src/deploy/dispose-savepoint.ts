import { UnreachableError } from '../core/errors.ts';
import { sleep } from '../core/time.ts';
import type { CallOptions, FlinkClient } from '../flink/client.ts';
import { FlinkError } from '../flink/errors.ts';
import type { DisposalSight } from './deployer.ts';

/** A savepoint of terabytes is thousands of files. */
const patienceMs = 5 * 60_000;

/**
 * Asks a JobManager to delete a savepoint (POST /savepoint-disposal) and waits for what became of it (GET /savepoint-disposal/:trigger).
 * @throws UnreachableError when the request surely never left.
 */
export async function disposeSavepoint(flink: FlinkClient, path: string, options: CallOptions = {}): Promise<DisposalSight> {
  let triggerId: string;
  try {
    ({ triggerId } = await flink.disposeSavepoint(path, options));
  } catch (error) {
    if (error instanceof FlinkError) return failed(error);
    if (!(error instanceof UnreachableError) || error.details['sent'] === false) throw error;
    return { is: 'unknown', why: error.message };
  }
  const until = performance.now() + patienceMs;
  for (let round = 0; performance.now() < until; round++) {
    try {
      const result = await flink.disposalResult(triggerId, options);
      if (result.state === 'completed') return { is: 'done' };
      if (result.state === 'failed') return failed(result.error);
      if (result.state === 'unknown') return { is: 'unknown', why: 'the cluster forgot the deletion (it was restarted)' };
    } catch (error) {
      if (!(error instanceof FlinkError || error instanceof UnreachableError)) throw error;
      return { is: 'unknown', why: error.message };
    }
    await sleep(Math.min(2000, 50 * 1.5 ** round), options.signal);
  }
  return { is: 'unknown', why: 'the cluster is still at it after 5 min' };
}

function failed(error: FlinkError): DisposalSight {
  return { is: 'failed', why: error.message, missing: error.kind === 'savepoint-missing' };
}
