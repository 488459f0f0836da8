import type { Cause } from './causes.ts';

type Link = { label: string; url: string; own?: true };

/** Path of a cause's runbook on the page; with a job or a cluster, its commands name them. */
export function runbookPath(cause: string, about: { job?: string | undefined; cluster?: string | undefined } = {}): string {
  const query = new URLSearchParams({ ...(about.job ? { job: about.job } : {}), ...(about.cluster ? { cluster: about.cluster } : {}) });
  return `/runbooks/${cause}${query.size > 0 ? `?${query}` : ''}`;
}

/**
 * The links of an incident: where to look, what the job's people wrote for it, and Sluice's runbook for the cause. A runbook of the job's own comes first.
 * @param ofJob the job's own links: marked, so that a message of many shows them beside each job.
 */
export function incidentLinks(
  publicUrl: string,
  { cause, ...about }: { cause: Cause; job?: string; cluster: string },
  links: readonly Link[],
  ofJob: readonly Link[] = [],
): Link[] {
  const own = ofJob.map((link) => ({ ...link, own: true as const }));
  const hasOwn = own.some((link) => /run-?\s?book/i.test(link.label));
  const runbook = { label: hasOwn ? 'Runbook of Sluice' : 'Runbook', url: `${publicUrl}${runbookPath(cause, about)}` };
  return hasOwn ? [...links, ...own, runbook] : [...links, runbook, ...own];
}
