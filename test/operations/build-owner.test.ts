import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it, type TestContext } from 'node:test';
import { markedProcesses, ownerMark } from '../../src/build/leftovers.ts';
import { moveClock } from '../../src/db/clock.ts';
import { eq } from '../../src/db/query.ts';
import { jobs } from '../../src/db/schema/index.ts';
import { execute } from '../../src/operations/execute.ts';
import { buildKind } from '../../src/operations/kinds/build.ts';
import { listSteps, requestCancel } from '../../src/operations/operations.store.ts';
import { buildIdOf } from '../../src/operations/steps/build-sources.ts';
import type { Operation, Services } from '../../src/operations/types.ts';
import { findBuild, updateBuild } from '../../src/projects/builds.store.ts';
import { putProject } from '../../src/projects/projects.store.ts';
import { startGitServer, type TestGitServer } from '../build/git-server.ts';
import { makeZip } from '../build/zip.ts';
import { createRig, lee, type Rig, until } from './rig.ts';

let server: TestGitServer;
let tools: string;
before(async () => {
  server = await startGitServer();
  server.commit('pom.xml', '<project/>', 'Orders');
  server.push('HEAD:refs/heads/main');
  tools = mkdtempSync(join(tmpdir(), 'build-owner-'));
  writeFileSync(join(tools, 'a.jar'), makeZip([{ name: 'META-INF/MANIFEST.MF', data: 'Main-Class: shop.Orders\n' }]));
  // In the place of Maven. Where a file `hang` lies it is deaf and never ends; it fails where another one is at work, or was before in this folder.
  const script = `
alive() { [ -n "$(tr -d '\\0' 2>/dev/null < "/proc/$1/cmdline")" ]; }
if [ -e ${tools}/hang ]; then
  rm ${tools}/hang; trap '' HUP INT TERM PIPE; mkdir target; echo half > target/half; echo $$ > ${tools}/orphan
  while :; do sleep 0.1; done
fi
if [ -e ${tools}/orphan ] && alive "$(cat ${tools}/orphan)"; then echo '[ERROR] two Mavens at once'; exit 1; fi
if [ -e target/half ]; then echo '[ERROR] built upon what another one left'; exit 1; fi
if [ ! -e pom.xml ]; then echo '[ERROR] half a checkout'; exit 1; fi
mkdir target; cp ${tools}/a.jar target/a.jar; echo built >> ${tools}/builds; echo "[INFO] log of $$"
`;
  writeFileSync(join(tools, 'mvn'), `#!/bin/sh${script}`, { mode: 0o755 });
});
after(async () => {
  rmSync(tools, { recursive: true, force: true });
  await server.close();
});

interface World {
  rig: Rig;
  /** The services of a replica with this data directory. */
  on(workDir: string): Services;
  newFolder(): Promise<string>;
  op: Operation;
  builds(): number;
  /** Carries on until this point and dies there. */
  diesAt(point: string, services: Services): Promise<void>;
  /** Another owner carries it to its end. */
  goesOn(services: Services): Promise<Operation>;
}
async function world(t: TestContext): Promise<World> {
  const rig = await createRig(t);
  const made: string[] = [];
  const newFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'build-home-'));
    made.push(folder);
    return folder;
  };
  t.after(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))));
  for (const name of ['hang', 'orphan', 'builds']) rmSync(join(tools, name), { force: true });
  await rig.database.transaction((tx) =>
    putProject(tx, {
      name: 'shop',
      team: 'etl',
      url: server.url,
      branch: 'main',
      credential: { kind: 'none' },
      module: null,
      buildArgs: [],
      artifact: null,
    }),
  );
  await rig.database.db.update(jobs).set({ project: 'shop' }).where(eq(jobs.name, 'etl-orders'));
  const op = await rig.accept(buildKind, { input: { build: true } });
  const on: World['on'] = (workDir) => ({
    ...rig.services,
    workDir,
    openCredential: async () => ({ kind: 'none' }),
    settings: { ...rig.services.settings, plainHttpHosts: [server.host], mavenCommand: join(tools, 'mvn') },
  });
  let owners = 0;
  return {
    rig,
    on,
    newFolder,
    op,
    builds: () => (existsSync(join(tools, 'builds')) ? readFileSync(join(tools, 'builds'), 'utf8').split('\n').length - 1 : 0),
    async diesAt(point, services) {
      const execution = await rig.claim([buildKind], `host-${++owners}:1:1`);
      const onPoint = async (at: string) => {
        if (at !== `build/${point}`) return;
        execution.abort.abort(new Error('killed'));
        throw new Error('killed');
      };
      await execute({ ...services, onPoint }, execution, () => {}).then(
        async () => assert.fail(await rig.said(op)),
        (error) => assert.match(String(error), /killed/),
      );
      await moveClock(rig.database.db, 16_000);
    },
    async goesOn(services) {
      const execution = await rig.claim([buildKind], `host-${++owners}:1:1`);
      await execute(services, execution, () => {});
      return until(async () => (await rig.message(op)) && execution.op);
    },
  };
}
/** A process that runs Maven for the first owner, as Sluice does, and is killed while Maven is at work. */
async function leaveOrphan(t: TestContext, dir: string, buildId: string): Promise<void> {
  writeFileSync(join(tools, 'hang'), '');
  const build = { dir, mavenCommand: join(tools, 'mvn'), logFile: join(tools, 'owner.log'), buildId };
  const code = `import { mavenBuild } from './src/build/maven.ts'; await mavenBuild(${JSON.stringify(build)});`;
  const owner: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  t.after(() => owner.kill('SIGKILL'));
  await until(async () => existsSync(join(tools, 'orphan')));
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  const orphans = await markedProcesses(buildId);
  t.after(() => {
    for (const pid of orphans) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it was ended, as it should be
      }
    }
  });
  assert.ok(orphans.length > 0, 'Maven runs on');
}
const result = async (w: World, name: string) => (await listSteps(w.rig.database.db, w.op.id)).find((s) => s.name === name)?.result;

it('ends the Maven of an owner that was killed before it builds in the same folder, and begins from whole sources', async (t) => {
  const w = await world(t);
  const home = w.on(await w.newFolder());
  await w.diesAt('build-compile/after-intent', home);
  const id = buildIdOf(w.op.id);
  const mark = ownerMark(id, 1);
  await leaveOrphan(t, join(home.workDir, 'workspaces', id), mark);
  // What a process that does not know of markers would take for a checkout.
  await rm(join(home.workDir, 'workspaces', id, '.git', 'sluice-complete'));
  await w.goesOn(home);
  assert.match(await w.rig.said(w.op), /Built etl-orders/);
  assert.deepEqual(await markedProcesses(mark), []);
  assert.equal(w.builds(), 1);
  assert.deepEqual(await readdir(join(home.workDir, 'workspaces')), []);
});

it('takes the sources that the owner before fetched, if they are whole', async (t) => {
  const w = await world(t);
  const home = w.on(await w.newFolder());
  await w.diesAt('build-clone/after-result', home);
  const asked = server.seen.length;
  await w.goesOn(home);
  assert.match(await w.rig.said(w.op), /Built etl-orders/);
  assert.equal(server.seen.length, asked, 'nothing was fetched again');
});

it('fetches again what a death in the middle of a fetch left', async (t) => {
  const w = await world(t);
  const home = w.on(await w.newFolder());
  await w.diesAt('build-clone/after-result', home);
  const dir = join(home.workDir, 'workspaces', buildIdOf(w.op.id));
  for (const name of ['pom.xml', '.git/sluice-complete']) rmSync(join(dir, name));
  await w.goesOn(home);
  assert.match(await w.rig.said(w.op), /Built etl-orders/);
});

it('ends the Maven of a dead owner when the build is canceled, also when nobody builds again', async (t) => {
  const w = await world(t);
  const home = w.on(await w.newFolder());
  await w.diesAt('build-compile/after-intent', home);
  const id = buildIdOf(w.op.id);
  await leaveOrphan(t, join(home.workDir, 'workspaces', id), ownerMark(id, 1));
  await w.rig.database.transaction((tx) => requestCancel(tx, w.op.id, lee));
  await w.goesOn(home);
  assert.match(await w.rig.said(w.op), /Canceled by @lee/);
  assert.deepEqual(await markedProcesses(ownerMark(id, 1)), []);
  assert.deepEqual(await readdir(join(home.workDir, 'workspaces')), []);
  assert.equal((await findBuild(w.rig.database.db, id))?.state, 'canceled');
});

it('builds again on a machine that does not have what was built on another one', async (t) => {
  const w = await world(t);
  const first = w.on(await w.newFolder());
  await w.diesAt('build-compile/after-result', first);
  await rm(first.workDir, { recursive: true });
  assert.equal(w.builds(), 1);
  const second = w.on(await w.newFolder());
  await w.goesOn(second);
  assert.match(await w.rig.said(w.op), /Built etl-orders/);
  assert.equal(w.builds(), 2);
  const { sha256 } = (await result(w, 'build-publish')) as { sha256: string };
  assert.ok(await w.rig.services.artifacts.has(sha256));
});

it('does not end what its successor started, and does not replace its log', async (t) => {
  const w = await world(t);
  const home = w.on(await w.newFolder());
  const id = buildIdOf(w.op.id);
  const theirs = spawn('sleep', ['60'], { env: { ...process.env, SLUICE_BUILD: ownerMark(id, 2) } });
  t.after(() => theirs.kill('SIGKILL'));
  const gate = Promise.withResolvers<() => void>();
  const waits = Promise.withResolvers<void>();
  const frozen = await w.rig.claim([buildKind], 'frozen:1:1');
  const buildTurn = () => {
    waits.resolve();
    return gate.promise;
  };
  const done = execute({ ...home, buildTurn }, frozen, () => {});
  await Promise.race([waits.promise, done.then(async () => assert.fail(await w.rig.said(w.op)))]);
  await moveClock(w.rig.database.db, 16_000);
  const successor = await w.rig.claim([buildKind], 'next:1:1');
  assert.equal(successor.op.epoch, 2);
  await updateBuild(w.rig.database.db, id, { log: 'the log of the successor' });
  // It wakes up with its turn and builds: nothing tells it yet that it was fenced.
  gate.resolve(() => {});
  await assert.rejects(done, /took this operation over/);
  assert.equal(w.builds(), 1, 'it did build');
  assert.equal((await findBuild(w.rig.database.db, id))?.log, 'the log of the successor');
  assert.deepEqual(await markedProcesses(ownerMark(id, 2)), [theirs.pid]);
});
