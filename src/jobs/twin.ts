/** A live job on a cluster that Sluice did not start, under the name that the last run of a job of ours had. */
export interface Twin {
  flinkJobId: string;
  /** ISO time. */
  startedAt: string;
}
/** What is said of it. */
export const twinWords = (cluster: string, { flinkJobId, startedAt }: Twin): string =>
  `A job of its name runs on ${cluster} that Sluice did not start: ${flinkJobId}, since ${startedAt.slice(0, 16).replace('T', ' ')} UTC.`;
