/** What the arguments make of a job. The jar itself is opaque: the options are those of the demo's orders job, and others are let pass. */
export interface Program {
  /** `--name`: wins over `pipeline.name`, as an argument of `execute()` does. */
  name: string | undefined;
  throwMain: string | undefined;
  noExecute: boolean;
  twice: boolean;
  /** Fails when it has read so many. */
  failAfter: number;
  failClose: boolean;
  failCheckpoint: boolean;
  slowCheckpointMs: number;
  /** The uid of the operator with state. */
  uid: string;
  maxParallelism: number | undefined;
}

/** Reads the arguments as the demo's jobs do: `--name value`, and `--name` alone for switches. */
export function readProgram(args: readonly string[]): Program {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = args[i] ?? '';
    if (!name.startsWith('--')) continue;
    const next = args[i + 1];
    values.set(name.slice(2), next === undefined || next.startsWith('--') ? '' : next);
  }
  const number = (name: string) => Number(values.get(name) ?? 0) || 0;
  return {
    name: values.get('name'),
    throwMain: values.get('throw-main'),
    noExecute: values.has('no-execute'),
    twice: values.has('twice'),
    failAfter: number('fail-after'),
    failClose: values.has('fail-close'),
    failCheckpoint: values.has('fail-checkpoint'),
    slowCheckpointMs: number('slow-checkpoint'),
    uid: `totals${values.get('uid-suffix') ?? ''}`,
    maxParallelism: values.has('max-parallelism') ? number('max-parallelism') : undefined,
  };
}

/** `5 s`, `500ms`, `1 min`, `2 h` in milliseconds; a bare number is milliseconds. Undefined when it is none. */
export function flinkDurationMs(text: string | undefined): number | undefined {
  const match = /^\s*(\d+)\s*([a-z]*)\s*$/i.exec(text ?? '');
  if (!match) return undefined;
  const unit = (match[2] ?? '').toLowerCase();
  const factor =
    unit === '' || unit.startsWith('ms') || unit.startsWith('milli')
      ? 1
      : unit.startsWith('s')
        ? 1000
        : unit.startsWith('m')
          ? 60_000
          : unit.startsWith('h')
            ? 3_600_000
            : unit.startsWith('d')
              ? 86_400_000
              : undefined;
  return factor === undefined ? undefined : Number(match[1]) * factor;
}
