import type { OpenCluster } from '../../deploy/deployers.ts';
import type { StepContext } from '../types.ts';

/** Whether the JobManager from before the submission still answers. Only then its silence about a run says that it never had it. @throws what asking throws */
export async function jobManagerNow(c: StepContext, open: OpenCluster): Promise<'the same' | 'another' | 'unknown'> {
  const before = c.results['place']?.['jobManager'];
  const now = await open.deployer.jobManager({ signal: c.signal });
  if (typeof before !== 'string' || now === undefined) return 'unknown';
  return now === before ? 'the same' : 'another';
}
