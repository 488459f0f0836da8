import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DefaultTreeAdapterMap, defaultTreeAdapter, parse } from 'parse5';
import { listOperations } from '../../src/operations/operations.store.ts';
import { pagePaths } from './paths.ts';
import { browser, createRig, plainText } from './rig.ts';
import { emma, lena, olli, seedBasics, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

type Node = DefaultTreeAdapterMap['node'];
const knownHx = ['hx-get', 'hx-post', 'hx-target', 'hx-swap', 'hx-trigger', 'hx-headers', 'hx-confirm', 'hx-encoding', 'hx-replace-url'];

/** Parses a page strictly; every element with its attributes. */
function elementsOf(path: string, body: string): { tag: string; attributes: Record<string, string> }[] {
  const problems: string[] = [];
  const tree = parse(body, {
    onParseError: (e) => problems.push(`${e.code} at ${e.startLine}:${e.startCol}`),
    sourceCodeLocationInfo: true,
  });
  assert.deepEqual(problems, [], path);
  const found: { tag: string; attributes: Record<string, string> }[] = [];
  const walk = (node: Node): void => {
    if (defaultTreeAdapter.isElementNode(node))
      found.push({ tag: node.tagName, attributes: Object.fromEntries(node.attrs.map((a) => [a.name, a.value])) });
    if ('childNodes' in node) for (const child of node.childNodes) walk(child);
  };
  walk(tree);
  return found;
}

test('every page: signed out 401, a viewer and an engineer see it, strictly parsed, no inline script or style, known htmx attributes only', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const operations = await listOperations(rig.database.db, undefined);
  const paths = [...pagePaths, ...operations.map((op) => `/operations/${op.id}`)];
  const [stranger, viewer, engineer, lead] = [browser(rig.web, ''), await rig.as(vic), await rig.as(emma), await rig.as(lena)];
  for (const path of paths) {
    const refused = await stranger.get(path);
    assert.equal(refused.status, 401, path);
    assert.doesNotMatch(refused.body, /etl-orders|payments/, path);
    for (const person of [viewer, engineer, lead]) {
      const page = await person.get(path);
      assert.equal(page.status, 200, path);
      assert.match(
        String(page.headers['content-security-policy']),
        /^default-src 'none';script-src 'self';style-src 'self';connect-src 'self';img-src 'self' data:;form-action 'self';base-uri 'none';frame-ancestors 'none'$/,
      );
      assert.equal(page.headers['cache-control'], 'no-store');
      for (const form of page.body.split('<form').slice(1, -1)) assert.match(form, /<\/form>/, `${path}: a form inside a form`);
      const ids = new Set<string>();
      for (const { tag, attributes } of elementsOf(path, page.body)) {
        for (const [name, value] of Object.entries(attributes)) {
          assert.ok(!name.startsWith('on') && name !== 'style', `${path} ${tag} ${name}`);
          if (name.startsWith('hx-')) assert.ok(knownHx.includes(name), `${path} ${name}`);
          if (name === 'href' || name === 'action') assert.match(value, /^(\/(?!\/)|https?:\/\/|#)/, `${path} ${name}`);
          if (name === 'id') {
            assert.ok(!ids.has(value), `${path} has two elements ${value}`);
            ids.add(value);
          }
        }
        if (tag === 'script') assert.match(attributes['src'] ?? '', /^\/static\//, path);
        assert.notEqual(tag, 'style', path);
      }
    }
  }
});

test('a viewer sees everything and no button to change it', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [viewer, engineer] = [await rig.as(vic), await rig.as(emma)];
  const verbs = (body: string) =>
    new Set([...body.matchAll(/name="line" value="([^"]*)"/g)].map((m) => plainText(m[1] as string).split(' ')[0]));
  for (const path of pagePaths) {
    const { body } = await viewer.get(path);
    for (const verb of verbs(body)) assert.ok(verb === 'logs' || verb === 'status', `${path} offers ${verb} to a viewer`);
    assert.doesNotMatch(body, /action="\/jobs\/[^"]*\/(upload|parameters)"/, path);
  }
  const { body } = await engineer.get('/jobs/etl-orders');
  for (const verb of ['savepoint', 'restart', 'build', 'restore', 'stop']) assert.ok(verbs(body).has(verb), verb);
});

test('only a lead is offered to approve, and jobs of other teams are not shown', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const waiting = (await listOperations(rig.database.db, 'etl-orders')).find((op) => op.state === 'waiting');
  assert.match((await (await rig.as(lena)).get(`/operations/${waiting?.id}`)).body, /value="approve op_/);
  for (const person of [emma, vic])
    assert.doesNotMatch((await (await rig.as(person)).get(`/operations/${waiting?.id}`)).body, /value="(approve|reject) /);
  const outsider = await rig.as(olli);
  const first = await outsider.get('/');
  assert.equal(first.status, 200);
  assert.doesNotMatch(first.body, /etl-orders/);
  assert.match(first.body, /no jobs of your teams yet/);
  for (const path of ['/jobs/etl-orders', '/jobs/etl-orders/parameters', '/builds/bld_000000000001', '/operations/op_seed00000004']) {
    const page = await outsider.get(path);
    assert.ok(page.status === 403 || page.status === 404, path);
    assert.doesNotMatch(page.body, /OrdersJob|Compiling/, path);
  }
  assert.doesNotMatch((await outsider.get('/operations')).body, /etl-orders/);
});

test('hostile text is shown as text on every page', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const { seedHostile } = await import('./hostile.ts');
  const paths = await seedHostile(rig.database);
  const person = await rig.as({ ...emma, userId: 'U0EVIL' });
  for (const path of paths) {
    const { status, body } = await person.get(path);
    assert.equal(status, 200, path);
    assert.match(body, /&lt;script&gt;|&lt;img/, `${path} shows it`);
    for (const { tag, attributes } of elementsOf(path, body)) {
      assert.ok(tag !== 'img' && tag !== 'iframe', path);
      if (tag === 'script') assert.match(attributes['src'] ?? '', /^\/static\//, path);
      for (const [name, value] of Object.entries(attributes)) {
        assert.ok(!name.startsWith('on'), path);
        if (name === 'href') assert.doesNotMatch(value, /^\s*javascript:/i, path);
      }
    }
  }
});

test('a living part answers 204 until something changes, and a whole page to a plain visit', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const page = await person.get('/builds/bld_000000000002');
  const poll = plainText(/hx-get="([^"]+)"/.exec(page.body)?.[1] ?? '');
  assert.match(poll, /seen=/);
  const same = await person.get(poll, { 'hx-request': 'true' });
  assert.equal(same.status, 204);
  const { updateBuild } = await import('../../src/projects/builds.store.ts');
  await updateBuild(rig.database.db, 'bld_000000000002', { log: 'BUILD SUCCESS', state: 'succeeded' });
  const changed = await person.get(poll, { 'hx-request': 'true' });
  assert.equal(changed.status, 200);
  assert.match(changed.body, /^<div id="build">/);
  assert.match(changed.body, /BUILD SUCCESS/);
  assert.doesNotMatch(changed.body, /hx-trigger/, 'a build that is over is asked for no more');
  const gone = await browser(rig.web, '').get(poll, { 'hx-request': 'true' });
  assert.equal(gone.status, 401);
  assert.equal(gone.headers['hx-refresh'], 'true');
});

test('what is wrong comes first, and the filter narrows', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const names = (body: string) => [...body.matchAll(/class="job-name" href="\/jobs\/([^"]+)"/g)].map((m) => m[1]);
  const all = names((await person.get('/')).body);
  assert.equal(all[0], 'payments-fraud-scoring');
  assert.equal(all.length, 9);
  assert.deepEqual(names((await person.get('/?q=ORDERS')).body), ['etl-orders', 'orders-dev']);
  assert.deepEqual(names((await person.get('/?state=unknown')).body), ['attic-archive']);
  const part = await person.get('/?q=orders', { 'hx-request': 'true' });
  assert.match(part.body, /^<div id="jobs"/);
  assert.match((await person.get('/?q=zzz')).body, /No job matches/);
});

test('names that are not there get the nearest one and a plain page', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const near = await person.get('/jobs/etl-order');
  assert.equal(near.status, 404);
  assert.match(near.body, /Did you mean etl-orders\?/);
  for (const path of ['/nowhere', '/operations/op_x', '/builds/bld_x', '/errors/err_x', '/jobs/etl-orders/diff?a=1&b=99'])
    assert.equal((await person.get(path)).status, 404, path);
});
