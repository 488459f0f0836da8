import type { JobDefinition } from '../db/schema/index.ts';

/** One thing a person can set on a job: drives `/flink set`, the page's form, the diff and the YAML of `apply`. */
export interface Parameter {
  /** As typed, for example `checkpoint-interval`. */
  key: string;
  label: string;
  meaning: string;
  example: string;
  /** The values it is limited to. */
  choices?: readonly string[];
  multiline?: true;
  /** As text; undefined when it is not set. */
  show(definition: JobDefinition): string | undefined;
  /** A changed copy. Throws ParameterProblem; an empty value unsets. */
  assign(definition: JobDefinition, value: string): JobDefinition;
}
/** What is wrong with one value, in a sentence. */
export class ParameterProblem extends Error {}

/** Refuses a value. @throws ParameterProblem */
export const problem = (message: string): never => {
  throw new ParameterProblem(message);
};
/** A parameter that is one optional string of the definition. */
export function plain(
  field:
    | 'mainClass'
    | 'checkpointDir'
    | 'savepointDir'
    | 'channel'
    | 'alertChannel'
    | 'checkpointInterval'
    | 'recoverableWithin'
    | 'restartingFor'
    | 'restartLoop'
    | 'noDataAfter'
    | 'watermarkAfter'
    | 'backpressureAfter'
    | 'checkpointGrowth'
    | 'keepSavepointsFor',
  check?: (value: string) => string,
): Pick<Parameter, 'show' | 'assign'> {
  return {
    show: (d) => d[field],
    assign(d, value) {
      const { [field]: _, ...rest } = d;
      return value === '' ? rest : { ...rest, [field]: check ? check(value) : value };
    },
  };
}
