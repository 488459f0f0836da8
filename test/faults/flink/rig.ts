import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { newFlinkId } from '../../../src/core/ids.ts';
import type { Deployer, SavepointSight, Submission } from '../../../src/deploy/deployer.ts';
import { standalone } from '../../../src/deploy/kinds/standalone.ts';
import { makeZip } from '../../build/zip.ts';
import { until } from '../../helpers/flink.ts';
import type { TruthEvent } from '../truth.ts';
import { type FlinkStandIn, type FlinkStandInOptions, startFlinkStandIn } from './stand-in.ts';

/** A stand-in with Sluice's own deployer in front of it. */
export interface Rig {
  dir: string;
  flink: FlinkStandIn;
  deployer: Deployer;
  /** Submits under a new id; the id. */
  submit(more?: Partial<Submission>): Promise<string>;
  /** Submits and waits until all tasks run. */
  start(more?: Partial<Submission>): Promise<string>;
  state(id: string): Promise<string | undefined>;
  untilState(id: string, state: string): Promise<unknown>;
  ended(id: string, triggerId: string): Promise<SavepointSight>;
  truthOf<K extends TruthEvent['is']>(is: K): Extract<TruthEvent, { is: K }>[];
}

/** Starts one; it ends with the test. */
export async function rig(t: TestContext, options: Partial<FlinkStandInOptions> = {}): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-stand-in-'));
  const flink = await startFlinkStandIn({
    version: '2.3.0',
    dir,
    ...options,
    timing: { refreshMs: 0, checkpointIntervalMs: 40, ...options.timing },
  });
  const deployer = standalone.open({ name: 'stand-in', url: flink.url, webUrl: null, options: {} });
  t.after(async () => {
    await deployer.close();
    await flink.close();
    await rm(dir, { recursive: true, force: true });
  });
  const jar = join(dir, 'shop.jar');
  await writeFile(jar, makeZip([{ name: 'shop/Orders.class', data: 'x' }]));
  const artifact = { sha256: 'a'.repeat(64), name: 'shop.jar', path: jar };
  async function submit(more: Partial<Submission> = {}): Promise<string> {
    const flinkJobId = more.flinkJobId ?? newFlinkId();
    const handle = (await deployer.findArtifact(artifact)) ?? (await deployer.placeArtifact(artifact));
    await deployer.submit({
      flinkJobId,
      artifact: handle,
      mainClass: 'shop.Orders',
      args: [],
      parallelism: 2,
      restorePath: undefined,
      flink: { 'pipeline.name': 'orders' },
      ...more,
    });
    return flinkJobId;
  }
  const state = (id: string) => deployer.state(id);
  return {
    dir,
    flink,
    deployer,
    submit,
    async start(more) {
      const id = await submit(more);
      await until('all tasks', async () => {
        const sight = await deployer.look(id);
        return sight.is === 'seen' && sight.allRunning;
      });
      return id;
    },
    state,
    untilState: (id, wanted) => until(wanted, async () => (await state(id)) === wanted),
    ended: (id, triggerId) =>
      until('the savepoint', async () => {
        const sight = await deployer.savepoint(id, triggerId);
        return sight.is !== 'running' && sight;
      }),
    truthOf: (is) => flink.truth.filter((event) => event.is === is) as never,
  };
}
/** The path of a savepoint that was made. */
export function done(sight: SavepointSight): string {
  assert.equal(sight.is, 'done', JSON.stringify(sight));
  return sight.is === 'done' ? sight.path : '';
}
/** The reason of a savepoint that failed, and its path if there is one all the same. */
export function failedAs(sight: SavepointSight, reason: RegExp): string | undefined {
  assert.ok(sight.is === 'failed', JSON.stringify(sight));
  assert.match(sight.reason, reason);
  return sight.path;
}
