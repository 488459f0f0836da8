import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { AppError, NotFoundError, UserError } from '../core/errors.ts';
import { nearest, plural, truncate } from '../core/text.ts';
import { formatBytes } from '../core/time.ts';

export interface JarLimits {
  /** Bytes of the file; 1 GB. */
  maxBytes?: number | undefined;
  /** 150,000. */
  maxEntries?: number | undefined;
  /** Bytes of all entries unpacked, as the jar declares them; 4 GB. */
  maxUnpackedBytes?: number | undefined;
}
export interface JarInfo {
  /** Bytes. */
  size: number;
  /** 64 hexadecimal digits. */
  sha256: string;
  /** Main-Class of the manifest. */
  mainClass: string | undefined;
  /** All entries, folders included. */
  entries: number;
  /** Fully qualified names (`shop.Orders$Total`), in the order of the jar. */
  classes: string[];
  hasClass(name: string): boolean;
  /** Class names near a mistyped one, best first. */
  suggestClasses(name: string, limit?: number): string[];
}

/**
 * Reads what a jar holds, without unpacking it.
 * @throws NotFoundError if there is no such file; UserError for a link, a folder, a file that is no jar, or one beyond the limits.
 */
export async function inspectJar(path: string, limits: JarLimits = {}): Promise<JarInfo> {
  const name = basename(path);
  const { size } = await checkFile(path, name, limits.maxBytes ?? 1024 ** 3);
  const [sha256, content] = await Promise.all([sha256OfFile(path), readEntries(path, name, size, limits)]);
  const known = new Set(content.classes);
  return {
    size,
    sha256,
    ...content,
    hasClass: (wanted) => known.has(wanted),
    suggestClasses: (wanted, limit = 3) => nearClasses(content.classes, wanted, limit),
  };
}

/**
 * The main class to start: the given one, else the one of the manifest.
 * @throws UserError if the jar does not hold it (near names in the hint), or if none is named anywhere.
 */
export function requireMainClass(jar: JarInfo, given?: string): string {
  const mainClass = given ?? jar.mainClass;
  const some = jar.classes
    .filter((name) => !name.includes('$'))
    .slice(0, 5)
    .join(', ');
  if (mainClass === undefined) {
    throw new UserError('The jar names no main class.', {
      hint: `Set the main class of the job${some ? `, for example one of ${some}` : ''}.`,
    });
  }
  if (jar.hasClass(mainClass)) return mainClass;
  const near = jar.suggestClasses(mainClass);
  const from = given === undefined ? ', which its manifest names as main class' : '';
  throw new UserError(`The jar has no class ${truncate(mainClass, 120)}${from}.`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : `It holds ${plural(jar.classes.length, 'class', 'classes')}${some ? `, among them ${some}` : ''}.`,
    details: { nearest: near },
  });
}

/** SHA-256 of a file, 64 hexadecimal digits. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function checkFile(path: string, name: string, maxBytes: number): Promise<{ size: number }> {
  const stat = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new NotFoundError(`There is no file ${name}.`, { cause, details: { path } });
  });
  if (stat.isSymbolicLink()) throw new UserError(`${name} is a link, not a jar.`, { hint: 'Give the file itself.' });
  if (!stat.isFile()) throw new UserError(`${name} is not a file.`, { hint: 'Give the path of a jar.' });
  if (stat.size > maxBytes) {
    throw new UserError(`${name} is too large: ${formatBytes(stat.size)}, at most ${formatBytes(maxBytes)} are allowed.`, {
      hint: 'Mark what Flink itself brings as provided in pom.xml, so that it is not packed into the jar.',
    });
  }
  return { size: stat.size };
}

interface JarContent {
  mainClass: string | undefined;
  entries: number;
  classes: string[];
}

async function readEntries(path: string, name: string, size: number, limits: JarLimits): Promise<JarContent> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
    return await readZip(zip, name, limits);
  } catch (cause) {
    throw cause instanceof AppError ? cause : notAJar(name, size, cause);
  } finally {
    zip?.close();
  }
}

async function readZip(zip: ZipFile, name: string, limits: JarLimits): Promise<JarContent> {
  const maxEntries = limits.maxEntries ?? 150_000;
  const maxUnpacked = limits.maxUnpackedBytes ?? 4 * 1024 ** 3;
  if (zip.entryCount > maxEntries) throw tooMuch(name, `${zip.entryCount} entries, at most ${maxEntries} are allowed`);
  const classes: string[] = [];
  let manifest: Entry | undefined;
  let entries = 0;
  let unpacked = 0;
  // yauzl itself refuses names that lead out of the folder (../, absolute, drive letters).
  for await (const entry of zip.eachEntry()) {
    entries++;
    unpacked += entry.uncompressedSize;
    if (entries > maxEntries || unpacked > maxUnpacked)
      throw tooMuch(name, `more than ${formatBytes(maxUnpacked)} unpacked, or too many entries`);
    if (manifest === undefined && entry.fileName.toUpperCase() === 'META-INF/MANIFEST.MF') manifest = entry;
    const className = classNameOf(entry.fileName);
    if (className !== undefined) classes.push(className);
  }
  return { mainClass: manifest && mainClassOf(await readSmall(zip, manifest, name)), entries, classes };
}

/** Unpacks one small entry; 1 MB at most, so that a bomb in the manifest does no harm. */
async function readSmall(zip: ZipFile, entry: Entry, name: string): Promise<string> {
  const limit = 1024 * 1024;
  if (entry.uncompressedSize > limit) throw tooMuch(name, `a manifest of ${formatBytes(entry.uncompressedSize)}`);
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Main-Class of a manifest's main section; a line beginning with a space continues the one before. */
export function mainClassOf(manifest: string): string | undefined {
  const main = manifest.replace(/\r\n?/g, '\n').replace(/\n /g, '').split(/\n\n/, 1)[0] ?? '';
  return /^Main-Class:[ \t]*(\S+)[ \t]*$/im.exec(main)?.[1];
}

function classNameOf(entry: string): string | undefined {
  if (!entry.endsWith('.class') || entry.startsWith('META-INF/') || /(^|\/)(module|package)-info\.class$/.test(entry)) return undefined;
  return entry.slice(0, -'.class'.length).replaceAll('/', '.');
}

function nearClasses(classes: readonly string[], wanted: string, limit: number): string[] {
  const simple = (name: string) => name.slice(name.lastIndexOf('.') + 1);
  const named = classes.filter((name) => !/\$\d/.test(name));
  // The right name in the wrong package is the most common slip; after it a slip of the pen in the simple name.
  const same = named.filter((name) => simple(name).toLowerCase() === simple(wanted).toLowerCase());
  const bySimple = new Set(nearest(simple(wanted), [...new Set(named.map(simple))], limit));
  const nearSimple = named.filter((name) => bySimple.has(simple(name)));
  return [...new Set([...same, ...nearest(wanted, named, limit), ...nearSimple])].slice(0, limit);
}

function notAJar(name: string, size: number, cause: unknown): UserError {
  const empty = size === 0 ? ': it is empty' : '';
  return new UserError(`${name} is not a jar, or it is damaged${empty}.`, {
    cause,
    hint: 'Build or upload it again.',
    details: { reason: cause instanceof Error ? cause.message : String(cause) },
  });
}
function tooMuch(name: string, what: string): UserError {
  return new UserError(`${name} is refused: ${what}.`, {
    hint: 'A jar like this is broken or made to do harm. Build it again from its sources.',
  });
}
