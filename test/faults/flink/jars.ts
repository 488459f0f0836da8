import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectJar, type JarInfo } from '../../../src/build/jar.ts';
import { type Answer, answer } from './answers.ts';
import type { Cluster } from './options.ts';
import { handled } from './texts.ts';

interface Jar {
  id: string;
  name: string;
  path: string;
  uploadedAt: number;
  /** Undefined when the file is no readable jar: Flink takes it all the same. */
  info: JarInfo | undefined;
}
export interface Jars {
  /** Where Flink looks for uploaded jars. */
  readonly folder: string;
  find(id: string): Jar | undefined;
  list(address: string): Answer;
  upload(contentType: string, body: Buffer): Promise<Answer>;
  remove(id: string): Answer;
  forgetAll(): void;
}

/** Uploaded jars, files of one JobManager process. */
export function createJars(cluster: Cluster): Jars {
  const folder = join(cluster.dir, 'upload', 'flink-web-upload');
  const jars = new Map<string, Jar>();
  return {
    folder,
    find: (id) => jars.get(id),
    list(address) {
      const files = [...jars.values()]
        .sort((a, b) => b.uploadedAt - a.uploadedAt)
        .map(({ id, name, uploadedAt, info }) => ({
          id,
          name,
          uploaded: uploadedAt,
          entry: info?.mainClass === undefined ? [] : [{ name: info.mainClass, description: null }],
        }));
      return answer('jars', 200, { address, files });
    },
    async upload(contentType, body) {
      const file = fileOf(contentType, body);
      if (!file) return answer('upload: no file', 400, handled('Exactly 1 file must be sent, received 0.'));
      if (!file.name.endsWith('.jar')) return answer('upload: no jar', 400, handled('Only Jar files are allowed.'));
      const id = `${randomUUID()}_${file.name}`;
      const path = join(folder, id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, file.data);
      const info = await inspectJar(path).catch(() => undefined);
      jars.set(id, { id, name: file.name, path, uploadedAt: Date.now(), info });
      cluster.tell({ is: 'jar-uploaded', jarId: id, name: file.name });
      return answer('upload', 200, { filename: path, status: 'success' });
    },
    remove(id) {
      const jar = jars.get(id);
      if (!jar) return answer('jar deleted: unknown', 400, handled(`File ${id} does not exist in ${folder}.`));
      jars.delete(id);
      rmSync(jar.path, { force: true });
      cluster.tell({ is: 'jar-deleted', jarId: id });
      return answer('jar deleted', 200, {});
    },
    forgetAll() {
      for (const { path } of jars.values()) rmSync(path, { force: true });
      jars.clear();
    },
  };
}

/** The one file of a multipart form. */
function fileOf(contentType: string, body: Buffer): { name: string; data: Buffer } | undefined {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (!boundary) return undefined;
  const headEnd = body.indexOf('\r\n\r\n');
  const head = body.subarray(0, Math.max(0, headEnd)).toString('utf8');
  const name = /filename="([^"]*)"/.exec(head)?.[1];
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  if (name === undefined || headEnd < 0 || end < headEnd) return undefined;
  return { name, data: body.subarray(headEnd + 4, end) };
}
