import { FlinkError } from './errors.ts';

export interface Release {
  /** As Flink says it, for example `1.20.5` or `2.3-SNAPSHOT`. */
  text: string;
  major: number;
  minor: number;
}

/** Parses a Flink version; an unreadable one counts as the newest, which only leaves fields to the server's judgement. */
export function parseRelease(text: string): Release {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return { text, major: match ? Number(match[1]) : 99, minor: match ? Number(match[2]) : 0 };
}

/** Whether a release is at least the given one. */
export function atLeast(release: Release, major: number, minor: number): boolean {
  return release.major > major || (release.major === major && release.minor >= minor);
}

export type ClaimMode = 'NO_CLAIM' | 'CLAIM';
export interface RunRequest {
  jarId: string;
  /** 32 hex digits of ours: the only handle that makes a submission repeatable. */
  jobId: string;
  entryClass?: string | undefined;
  programArgs?: readonly string[];
  parallelism?: number | undefined;
  /** Path of a savepoint or retained checkpoint. */
  savepointPath?: string | undefined;
  allowNonRestoredState?: boolean;
  claimMode?: ClaimMode;
  /** Options for this job alone (1.17 and newer). */
  flinkConfiguration?: Readonly<Record<string, string>>;
}

/**
 * The JSON body of POST /jars/:id/run. Releases before 1.20 refuse fields they do not know and newer ones silently drop them, so each
 * field goes only to a release that reads it.
 * @throws FlinkError 'unsupported-release' when the request asks for something that the release cannot do.
 */
export function runBody(run: RunRequest, release: Release): Record<string, unknown> {
  const body = planBody(run, release);
  if (run.savepointPath !== undefined) {
    body['savepointPath'] = run.savepointPath;
    if (run.allowNonRestoredState) body['allowNonRestoredState'] = true;
    if (atLeast(release, 1, 20)) body['claimMode'] = run.claimMode ?? 'NO_CLAIM';
    else if (atLeast(release, 1, 15)) body['restoreMode'] = run.claimMode ?? 'NO_CLAIM';
  }
  return body;
}

/** The JSON body of POST /jars/:id/plan: what of a run decides its graph. @throws FlinkError 'unsupported-release'. */
export function planBody(run: Omit<RunRequest, 'jobId'> & { jobId?: string }, release: Release): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (run.jobId !== undefined) body['jobId'] = run.jobId;
  if (run.entryClass !== undefined) body['entryClass'] = run.entryClass;
  if (run.programArgs?.length) body['programArgsList'] = [...run.programArgs];
  if (run.parallelism !== undefined) body['parallelism'] = run.parallelism;
  if (run.flinkConfiguration && Object.keys(run.flinkConfiguration).length > 0) {
    requireRelease(release, 1, 17, 'Options for a single job');
    body['flinkConfiguration'] = { ...run.flinkConfiguration };
  }
  return body;
}

/** @throws FlinkError 'unsupported-release' if the cluster's release is older than the given one. */
export function requireRelease(release: Release, major: number, minor: number, what: string): void {
  if (atLeast(release, major, minor)) return;
  throw new FlinkError(
    `${what} need Flink ${major}.${minor} or newer; this cluster runs ${release.text}.`,
    { kind: 'unsupported-release', rootCause: '' },
    { hint: 'Set it in the configuration of the cluster, or run the job on a newer release.' },
  );
}
