import { sleep } from '../../src/core/time.ts';
import type { Behaviour } from './flink/stand-in.ts';
import type { Chance } from './seeded.ts';
import type { Fault as NetFault } from './tcp-faults.ts';
import type { TcpProxy } from './tcp-proxy.ts';
import type { FaultWorld } from './world.ts';

/** One way in which things break. It may last: what it leaves behind is healed at the end of the round at the latest. */
export interface Fault {
  name: string;
  make(w: FaultWorld, chance: Chance): Promise<void>;
}

async function forAWhile(proxy: TcpProxy, fault: NetFault, ms: number): Promise<void> {
  await proxy.set(fault);
  await sleep(ms);
  await proxy.set();
}
const net = (name: keyof FaultWorld['proxies'], write: RegExp): Fault[] => [
  { name: `${name}: cut`, make: async (w) => void w.proxies[name].cut() },
  {
    name: `${name}: refuse`,
    async make(w, chance) {
      const proxy = w.proxies[name];
      await proxy.set({ is: 'refuse' });
      proxy.cut();
      await sleep(chance.whole(300, 4000));
      await proxy.set();
    },
  },
  { name: `${name}: blackhole`, make: (w, chance) => forAWhile(w.proxies[name], { is: 'blackhole' }, chance.whole(500, 6000)) },
  {
    name: `${name}: latency`,
    make: (w, chance) => forAWhile(w.proxies[name], { is: 'latency', ms: chance.whole(20, 300), jitterMs: 100 }, 2000),
  },
  {
    name: `${name}: reset after commit`,
    make: (w, chance) => w.proxies[name].set({ is: 'reset-after-commit', matching: write, times: chance.whole(1, 3) }),
  },
  { name: `${name}: reset before`, make: (w, chance) => w.proxies[name].set({ is: 'reset', matching: write, times: chance.whole(1, 3) }) },
  {
    name: `${name}: slow drip`,
    make: (w, chance) => forAWhile(w.proxies[name], { is: 'slow-drip', bytesPerSecond: chance.whole(300, 5000) }, chance.whole(2000, 6000)),
  },
  { name: `${name}: half-close`, make: (w) => w.proxies[name].set({ is: 'half-close', side: 'client', matching: write, times: 1 }) },
  {
    name: `${name}: half-close to the server`,
    make: (w) => w.proxies[name].set({ is: 'half-close', side: 'server', matching: write, times: 1 }),
  },
  { name: `${name}: cut after`, make: (w, chance) => w.proxies[name].set({ is: 'cut-after', bytes: chance.whole(100, 20_000) }) },
];
const odd = (name: string, behaviour: Partial<Behaviour>, back: Partial<Behaviour>): Fault => ({
  name: `flink: ${name}`,
  async make(w, chance) {
    w.flink?.set(behaviour);
    await sleep(chance.whole(500, 4000));
    w.flink?.set(back);
  },
});
async function withLiveJob(w: FaultWorld, chance: Chance, act: (id: string) => void): Promise<void> {
  const started = (w.flink?.truth ?? []).flatMap((event) => (event.is === 'job-started' ? [event.jobId] : []));
  const live = started.filter((id) => w.flink?.jobState(id) === 'RUNNING');
  if (live.length > 0) act(chance.of(live));
}

/** Everything that may happen to Sluice and what it talks to, besides deaths at named points. */
export const faults: readonly Fault[] = [
  ...net('postgres', /commit/i),
  ...net('flink', /^(POST|PATCH|DELETE)/),
  ...net('slack', /^POST \/api\/chat\./),
  { name: 'a replica is killed', make: async (w, chance) => chance.of(w.fleet.replicas).kill() },
  { name: 'a replica is restarted', make: async (w, chance) => chance.of(w.fleet.replicas).kill('SIGTERM') },
  {
    name: 'a replica freezes',
    async make(w, chance) {
      // Never all of them: nobody would be left to take over.
      if (!w.fleet.replicas.some((replica) => replica.frozen)) chance.of(w.fleet.replicas).freeze();
    },
  },
  {
    name: 'flink: JobManager frozen',
    async make(w, chance) {
      w.flink?.freeze();
      await sleep(chance.whole(500, 8000));
      w.flink?.thaw();
    },
  },
  { name: 'flink: JobManager restarted', make: async (w, chance) => w.flink?.restartJobManager(chance.whole(0, 3000)) },
  odd('savepoints fail', { savepointFails: true }, { savepointFails: false }),
  odd('savepoints are slow', { savepointDelayMs: 2500 }, { savepointDelayMs: 0 }),
  odd('stops fail with a savepoint', { stopFailsWithSavepoint: true }, { stopFailsWithSavepoint: false }),
  odd('jobs fail while stopping', { jobFailsWhileStopping: true }, { jobFailsWhileStopping: false }),
  odd('jobs fail after the start', { failAfterStartMs: 200 }, { failAfterStartMs: undefined }),
  odd('submissions are carried out late', { submitDelayMs: 3000 }, { submitDelayMs: 0 }),
  odd('submissions are answered late', { submitAnswerDelayMs: 12_000 }, { submitAnswerDelayMs: 0 }),
  { name: 'flink: a job fails', make: (w, chance) => withLiveJob(w, chance, (id) => w.flink?.failJob(id)) },
  { name: 'flink: a task fails', make: (w, chance) => withLiveJob(w, chance, (id) => w.flink?.failTask(id)) },
  {
    name: 'slack: each request delivered four times',
    async make(w) {
      w.practice.faults({ deliverTimes: 4 });
      await sleep(2000);
      w.practice.faults({ deliverTimes: 1 });
    },
  },
  { name: 'slack: server errors', make: async (w, chance) => w.practice.faults({ serverErrorNext: chance.whole(1, 5) }) },
  { name: 'slack: rate limit', make: async (w, chance) => w.practice.faults({ rateLimitNext: chance.whole(1, 4) }) },
  {
    name: 'slack: answers lost',
    async make(w, chance) {
      const times = chance.whole(1, 3);
      w.lostPosts += times;
      w.practice.faults({ dropAfterAcceptNext: times });
    },
  },
];
