import { http } from '../../core/http.ts';
import { rootCauseOf } from '../../flink/causes.ts';
import { amLogOf, type YarnApplication } from './application.ts';

/**
 * The end of the JobManager's log, which its NodeManager keeps for some hours after the application has ended (GET
 * /ws/v1/node/containerlogs/:container/jobmanager.log). Undefined when it cannot be read from here: aggregated elsewhere, behind a login, gone.
 */
export async function amLogTail(app: YarnApplication, bytes: number, timeoutMs: number): Promise<string | undefined> {
  const where = amLogOf(app);
  if (!where) return undefined;
  try {
    const url = `${where.origin}/ws/v1/node/containerlogs/${where.container}/jobmanager.log?size=-${bytes}`;
    const answer = await http(url, { headers: { accept: 'text/plain' }, timeoutMs, maxBytes: bytes + 64 * 1024 });
    return answer.status === 200 ? stripFrame(answer.body) : undefined;
  } catch {
    return undefined;
  }
}
/** The NodeManager frames a log: `LogType:…`, `LogLength:…`, `LogContents:` and `End of LogType:…`. */
function stripFrame(body: string): string {
  const from = /^LogContents:\n/m.exec(body);
  return body.slice(from ? from.index + from[0].length : 0).replace(/\n+End of LogType:[^\n]*[\s*]*$/, '\n');
}

export interface LoggedCause {
  name: string;
  message: string;
  stack: string;
}
/**
 * Why a job failed, from its JobManager's log: the trace at the last time that this job turned to FAILING or FAILED, else the last error with a trace
 * (a main method that threw, a JobManager that gave up). Undefined when there is none. Pure.
 * @param otherErrorsCount false when its process was killed from outside, or lives: then an error that is not the job's is not why it ended.
 */
export function causeInLog(log: string, flinkJobId: string, otherErrorsCount: boolean): LoggedCause | undefined {
  const entries = log.split(/^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/m).map((entry) => {
    const end = entry.indexOf('\n');
    return { head: end < 0 ? entry : entry.slice(0, end), trace: end < 0 ? '' : entry.slice(end + 1).trimEnd() };
  });
  const traced = entries.filter((entry) => /^\s+at |^Caused by: /m.test(entry.trace));
  const failed = traced.findLast(
    (entry) => entry.head.includes(flinkJobId) && /switched from state \w+ to (FAILING|FAILED)/.test(entry.head),
  );
  const found =
    failed ?? (otherErrorsCount ? traced.findLast((entry) => /\b(ERROR|FATAL)\b|Application (FAILED|failed)/.test(entry.head)) : undefined);
  const root = found && rootCauseOf(found.trace);
  return found && root ? { name: root.name, message: root.message, stack: found.trace } : undefined;
}
