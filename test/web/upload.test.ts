import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditOf } from '../../src/access/audit.store.ts';
import { findJob, listVersions } from '../../src/jobs/jobs.store.ts';
import { findArtifact } from '../../src/projects/builds.store.ts';
import { makeZip } from '../build/zip.ts';
import { type Browser, createRig, type Page, type Rig } from './rig.ts';
import { emma, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

const jar = makeZip([
  { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\n' },
  { name: 'com/example/etl/OrdersJob.class', data: 'x' },
]);
const path = '/jobs/etl-orders/upload';

async function upload(
  rig: Rig,
  person: Browser,
  fields: Record<string, string>,
  content: Buffer | undefined,
  name = 'etl-2.0.jar',
): Promise<Page> {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  if (content) form.set('jar', new Blob([new Uint8Array(content)]), name);
  const encoded = new Response(form);
  const answer = await rig.web.app.inject({
    method: 'POST',
    url: path,
    headers: { cookie: person.cookie, 'hx-request': 'true', 'content-type': encoded.headers.get('content-type') ?? '' },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return { status: answer.statusCode, body: answer.body, headers: answer.headers };
}

test('an uploaded jar becomes the next version, once, with its provenance and an audit row', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const fields = { ...(await person.guards('/jobs/etl-orders/versions', 'type="file"')), note: 'late orders' };
  for (let i = 0; i < 2; i++) {
    const answer = await upload(rig, person, fields, jar, '../../etl-2.0.jar');
    assert.equal(answer.status, 200);
    assert.match(answer.body, /etl-orders v4 saved and current/);
  }
  const job = await findJob(rig.database.db, 'etl-orders');
  assert.equal(job?.currentVersion, 4);
  assert.equal(job?.current.origin, 'upload');
  assert.equal(job?.current.note, 'etl-2.0.jar, late orders');
  assert.equal(job?.current.definition.parallelism, 8);
  const artifact = await findArtifact(rig.database.db, job?.current.definition.artifact ?? '');
  assert.equal(artifact?.source, 'upload');
  assert.equal(artifact?.createdBy?.userId, emma.userId);
  const [row] = await auditOf(rig.database.db, 'job:etl-orders');
  assert.equal(row?.action, 'version.created');
  assert.equal(row?.actor.person?.userId, emma.userId);
});

test('what is no jar, lacks the main class, or is missing is told beside the field, with the note kept', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const cases: [Buffer | undefined, RegExp][] = [
    [Buffer.from('not a zip'), /etl-2\.0\.jar is not a jar/],
    [
      makeZip([{ name: 'com/example/etl/OrderJob.class', data: 'x' }]),
      /The jar has no class com\.example\.etl\.OrdersJob.*Did you mean com\.example\.etl\.OrderJob/,
    ],
    [undefined, /No jar was chosen/],
  ];
  for (const [content, expected] of cases) {
    const fields = { ...(await person.guards('/jobs/etl-orders/versions', 'type="file"')), note: 'my "note"' };
    const answer = await upload(rig, person, fields, content);
    assert.equal(answer.status, 422);
    assert.match(/id="jar-error">([^<]*)</.exec(answer.body)?.[1] ?? '', expected);
    assert.match(answer.body, /name="note"[^>]*value="my &quot;note&quot;"/);
  }
  assert.equal((await listVersions(rig.database.db, 'etl-orders')).length, 3);
});

test('a viewer cannot upload', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(vic);
  const { _csrf = '' } = await person.guards('/', 'Sign out');
  assert.equal((await upload(rig, person, { _csrf, nonce: 'n_000000000000' }, jar)).status, 403);
  assert.equal((await listVersions(rig.database.db, 'etl-orders')).length, 3);
});
