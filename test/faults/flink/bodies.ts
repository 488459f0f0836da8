/** The kinds of value that Flink reads from a request. */
type Kind = 'text' | 'texts' | 'integer' | 'boolean' | 'map' | 'id' | readonly string[];
export type Fields = Readonly<Record<string, Kind>>;

const savepointFormats = ['CANONICAL', 'NATIVE'] as const;
const claimModes = ['CLAIM', 'NO_CLAIM', 'LEGACY'] as const;

/** What POST /jars/:id/run reads; 2.x no longer reads `programArgs`. */
export const runFields: Fields = {
  entryClass: 'text',
  programArgsList: 'texts',
  parallelism: 'integer',
  jobId: 'id',
  allowNonRestoredState: 'boolean',
  savepointPath: 'text',
  restoreMode: claimModes,
  claimMode: claimModes,
  flinkConfiguration: 'map',
};
export const savepointFields: Fields = {
  'target-directory': 'text',
  'cancel-job': 'boolean',
  formatType: savepointFormats,
  triggerId: 'id',
};
export const stopFields: Fields = {
  targetDirectory: 'text',
  drain: 'boolean',
  formatType: savepointFormats,
  triggerId: 'id',
};

export const isFlinkId = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{32}$/i.test(value);

export type ReadBody =
  | { is: 'read'; body: Record<string, unknown>; unknown: string[] }
  /** Flink cannot make sense of it; `field` when it is one of its values. */
  | { is: 'unreadable'; why: string; field: string | undefined; value: unknown };

/** Reads a request as Flink does: an unknown field is passed over silently, a value of the wrong kind is not. An empty body is `{}`. */
export function readBody(text: string, fields: Fields): ReadBody {
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    return { is: 'unreadable', why: 'Unexpected end-of-input', field: undefined, value: text };
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return { is: 'unreadable', why: 'Cannot deserialize value from this token', field: undefined, value: body };
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(body)) {
    const kind = fields[name];
    if (kind === undefined) unknown.push(name);
    else if (value !== null && !fits(kind, value))
      return { is: 'unreadable', why: `Cannot deserialize value of field ${name}`, field: name, value };
  }
  return { is: 'read', body: body as Record<string, unknown>, unknown };
}

function fits(kind: Kind, value: unknown): boolean {
  if (typeof kind !== 'string') return typeof value === 'string' && kind.includes(value);
  if (kind === 'text') return typeof value === 'string';
  if (kind === 'id') return isFlinkId(value);
  if (kind === 'integer') return Number.isInteger(value);
  if (kind === 'boolean') return typeof value === 'boolean';
  if (kind === 'texts') return Array.isArray(value) && value.every((one) => typeof one === 'string');
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value as object).every((one) => typeof one === 'string');
}
