import { isDeepStrictEqual } from 'node:util';
import { classifyFlinkError } from '../../../src/flink/errors.ts';

/** An answer as it came over the wire. */
export interface Raw {
  status: number;
  contentType: string;
  text: string;
}

/**
 * What two answers must have in common: the status, and for JSON the keys and the types of all values; for refusals what Sluice makes of their text. Ids,
 * paths and numbers are of one cluster only.
 * @param dir the folder of the cluster, as it appears in texts.
 */
export function shapeOf(raw: Raw, dir: string): unknown {
  const { status } = raw;
  if (!raw.contentType.includes('json')) return { status, text: true };
  const body: unknown = JSON.parse(raw.text);
  if (isRecord(body) && Array.isArray(body['errors'])) return { status, errors: body['errors'].length, ...meaning(raw.text, dir) };
  return { status, body: shape(body, dir) };
}

/** Keys that one of the two may lack. */
const maybe = 'perhaps ';

/** Where two shapes differ, one line each. */
export function differences(ours: unknown, theirs: unknown, at = ''): string[] {
  if (isRecord(ours) && isRecord(theirs))
    return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) => {
      if (key.startsWith(maybe) && !(key in ours && key in theirs)) return [];
      return differences(ours[key], theirs[key], `${at}.${key}`);
    });
  return isDeepStrictEqual(ours, theirs) ? [] : [`${at}: ${JSON.stringify(ours)}, but Flink ${JSON.stringify(theirs)}`];
}

/** What Sluice reads out of a Java text. */
function meaning(text: string, dir: string): { kind: string; rootCause: string } {
  const { kind, rootCause } = classifyFlinkError(undefined, text);
  return { kind, rootCause: plain(rootCause, dir) };
}

/** Texts of JSON readers and file systems differ in their details between releases, and nobody decides by them. */
const loose = [
  /^(?:JsonEOFException|MismatchedInputException|InvalidFormatException|JsonMappingException|NumberFormatException): .*/,
  /(?<=^UnsupportedFileSystemSchemeException: Could not find a file system implementation for scheme '\w+'\.).*/,
  /(?<=^ZipException: ).*/,
];
function plain(text: string, dir: string): string {
  let known = text
    .replaceAll(dir, 'DIR')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID')
    .replace(/[0-9a-f]{32}/g, 'ID')
    .replace(/savepoint-[0-9a-f]{6}-[0-9a-f]{12}/g, 'SAVEPOINT');
  for (const pattern of loose) known = known.replace(pattern, '…');
  return known;
}

function shape(value: unknown, dir: string): unknown {
  if (value === null) return 'null';
  // Flink writes what it cannot count as "NaN".
  if (value === 'NaN') return 'number';
  // How far a history of 10 goes back is a matter of time: what both have must be alike.
  if (Array.isArray(value) && value.some((one) => isRecord(one) && 'className' in one))
    return Object.fromEntries(value.map((one) => [`${maybe}${kindOf(one)}`, shape(one, dir)]));
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(shape(one, dir))))].sort();
  if (!isRecord(value)) return typeof value;
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => {
    // Whether a checkpoint has failed yet is a matter of time, too.
    if (key === 'latest' && isRecord(one))
      return [
        key,
        Object.fromEntries(Object.entries(one).map(([which, entry]) => [`${maybe}${which} ${kindOf(entry)}`, shape(entry, dir)])),
      ];
    if (key === 'stack-trace' || key === 'stacktrace' || key === 'root-exception' || key === 'exception')
      return [key, typeof one === 'string' ? meaning(one, dir) : shape(one, dir)];
    if (key === 'exceptionName' || key === 'class') return [key, one];
    return [key, shape(one, dir)];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function kindOf(checkpoint: unknown): string {
  return isRecord(checkpoint) ? `${checkpoint['className']} ${checkpoint['is_savepoint']}` : 'none';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
