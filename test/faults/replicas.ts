import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sleep } from '../../src/core/time.ts';
import type { FaultMode } from './app.ts';

/** A process that has just died takes no message; its next life is told anew. */
const gone = (_error: Error | null) => {};

/** One process of Sluice that may be killed, frozen and started again under the same name. */
export interface Replica {
  name: string;
  url: string | undefined;
  pid(): number | undefined;
  frozen: boolean;
  /** Ends what runs and waits for it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, where `revive` was off when it died. */
  start(): void;
  freeze(): void;
  thaw(): void;
  /** What it writes to stderr, the newest 20 kB. */
  log(): string;
}
export interface Fired {
  point: string;
  mode: FaultMode;
  replica: string;
  at: number;
}
export interface Fleet {
  replicas: readonly Replica[];
  fired: readonly Fired[];
  /** What the processes do to themselves from now on; kept over their deaths, each point once. */
  arm(points: Record<string, FaultMode>): void;
  /** Points that were armed and have not fired. */
  unfired(): string[];
  /** Whether dead replicas are started again at once; true from the beginning. */
  revive: boolean;
  /** How often a process died, was ended or stood still. */
  deaths(): number;
  /** Deaths that nobody planted. */
  surprises: readonly string[];
  ready(): Promise<void>;
  /** How long a frozen process stays so before it goes on. */
  frozenForMs: number;
  close(): Promise<void>;
}
export interface FleetOptions {
  count: number;
  cwd: string;
  env: Record<string, string>;
  frozenForMs?: number;
  /** A module loaded before the app, for planted mutants. */
  imports?: readonly string[];
  onChange?(): void;
}

const script = fileURLToPath(new URL('app.ts', import.meta.url));
const guard = new URL('../../src/node24.js', import.meta.url).href;

/** Starts so many replicas; each is started again when it dies. */
export function startFleet(options: FleetOptions): Fleet {
  const fired: Fired[] = [];
  const surprises: string[] = [];
  let armed = new Map<string, FaultMode>();
  let closing = false;
  let deaths = 0;
  const waiters = new Set<() => void>();
  const changed = () => {
    for (const waiter of [...waiters]) waiter();
    options.onChange?.();
  };
  const fleet = { frozenForMs: options.frozenForMs ?? 18_000, revive: true };
  const replicas = Array.from({ length: options.count }, (_, n) => startReplica(`r${n + 1}`));

  function startReplica(name: string): Replica & { child: ChildProcess } {
    let stderr = '';
    let expected = false;
    const replica = { name, url: undefined as string | undefined, frozen: false } as Replica & { child: ChildProcess };
    function begin(): void {
      expected = false;
      const child = fork(script, [], {
        cwd: options.cwd,
        env: { PATH: process.env['PATH'], ...options.env, FAULTS_ARMED: JSON.stringify(Object.fromEntries(armed)) },
        // The guard of npm's scripts also keeps compiled code between starts.
        execArgv: [guard, ...(options.imports ?? [])].flatMap((file) => ['--import', file]),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      replica.child = child;
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        stderr = (stderr + chunk).slice(-20_000);
      });
      if (child.stdout)
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (!line.startsWith('{"ready"') && !line.startsWith('{"fired"')) {
            stderr = `${stderr}${line}\n`.slice(-20_000);
            return;
          }
          const said = JSON.parse(line) as { ready?: string; fired?: string; mode?: FaultMode };
          if (said.ready) replica.url = said.ready;
          if (said.fired && said.mode) {
            armed.delete(said.fired);
            for (const other of replicas)
              if (other !== replica && other.child.connected) other.child.send({ arm: Object.fromEntries(armed) }, gone);
            fired.push({ point: said.fired, mode: said.mode, replica: name, at: Date.now() });
            if (said.mode === 'kill') expected = true;
            if (said.mode === 'freeze') frozen(child);
          }
          changed();
        });
      child.once('close', (code, signal) => {
        deaths++;
        replica.url = undefined;
        replica.frozen = false;
        if (!expected && !closing) surprises.push(`${name} ended by itself (${signal ?? code}): ${stderr.slice(-2000)}`);
        if (fleet.revive && !closing) begin();
        changed();
      });
    }
    function frozen(child: ChildProcess): void {
      deaths++;
      replica.frozen = true;
      setTimeout(() => {
        replica.frozen = false;
        child.kill('SIGCONT');
        changed();
      }, fleet.frozenForMs).unref();
    }
    replica.start = begin;
    replica.pid = () => replica.child.pid;
    replica.log = () => stderr;
    replica.kill = async (signal = 'SIGKILL') => {
      const { child } = replica;
      if (child.exitCode !== null || child.signalCode !== null) return;
      expected = true;
      const over = once(child, 'close');
      child.kill(signal);
      if (replica.frozen) child.kill('SIGCONT');
      await over;
    };
    replica.freeze = () => {
      replica.child.kill('SIGSTOP');
      frozen(replica.child);
    };
    replica.thaw = () => {
      replica.frozen = false;
      replica.child.kill('SIGCONT');
    };
    begin();
    return replica;
  }
  return Object.assign(fleet, {
    replicas,
    fired,
    surprises,
    arm(points: Record<string, FaultMode>) {
      armed = new Map(Object.entries(points));
      for (const { child } of replicas) if (child.connected) child.send({ arm: points }, gone);
    },
    unfired: () => [...armed.keys()],
    deaths: () => deaths,
    async ready() {
      const until = performance.now() + 180_000;
      while (!replicas.every((replica) => replica.url && !replica.frozen)) {
        if (performance.now() > until) throw new Error(`replicas are not ready:\n${replicas.map((r) => r.log().slice(-3000)).join('\n')}`);
        await sleep(50);
      }
    },
    async close() {
      closing = true;
      fleet.revive = false;
      await Promise.all(replicas.map((replica) => replica.kill()));
    },
  });
}

/** One address for all replicas: each connection goes to one that listens, in turn. Frozen ones are avoided, as a load balancer's health check would. */
export async function startFront(fleet: () => readonly Replica[]): Promise<{ port: number; close(): Promise<void> }> {
  let turn = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    const healthy = fleet().filter((replica) => replica.url && !replica.frozen);
    const replica = healthy[turn++ % Math.max(1, healthy.length)];
    if (!replica?.url) return void client.destroy();
    const upstream = connect(Number(new URL(replica.url).port), '127.0.0.1');
    sockets.add(upstream);
    upstream.on('close', () => {
      sockets.delete(upstream);
      client.destroy();
    });
    client.on('close', () => upstream.destroy());
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
