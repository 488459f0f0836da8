import { randomUUID } from 'node:crypto';
import type { Answer } from './answers.ts';
import { type Clock, createClock } from './clock.ts';
import { createJars, type Jars } from './jars.ts';
import { createJobs, type Jobs } from './jobs.ts';
import type { Cluster } from './options.ts';
import { dispatch } from './routes.ts';
import { createSavepoints, type Savepoints } from './savepoints.ts';
import { createViews, type Views } from './views.ts';

/** A request as it came, whole. */
export interface Request {
  method: string;
  /** With its query. */
  path: string;
  host: string;
  contentType: string;
  body: Buffer;
}

/** One JobManager process: what it knows dies with it. */
export interface JobManager {
  cluster: Cluster;
  clock: Clock;
  /** Its own folder, as it names it in its configuration. */
  webDir: string;
  jobs: Jobs;
  jars: Jars;
  savepoints: Savepoints;
  views: Views;
  handle(request: Request, refuse: (why: string) => void, reply: (answer: Answer) => void): void;
  /** With high availability: another process takes its place, and finds its jobs again after a while. */
  takeOver(unknownForMs: number): void;
  /** Ends the process: its jobs are lost; neither their tasks nor anything that waited goes on. */
  die(): void;
}

const newWebDir = () => `/tmp/flink-web-${randomUUID()}`;

/** Starts a JobManager that knows nothing. */
export function bootJobManager(about: Omit<Cluster, 'after'>): JobManager {
  const clock = createClock();
  const cluster: Cluster = { ...about, after: clock.after };
  const jobs = createJobs(cluster);
  const jars = createJars(cluster);
  const savepoints = createSavepoints(cluster, jobs);
  let dead = false;
  const manager: JobManager = {
    cluster,
    clock,
    webDir: newWebDir(),
    jobs,
    jars,
    savepoints,
    views: createViews(cluster, jobs),
    handle(request, refuse, reply) {
      if (dead) return;
      const made = dispatch(manager, request, refuse);
      if (made instanceof Promise)
        void made.then((one) => {
          if (!dead) reply(one);
        });
      else reply(made);
    },
    takeOver(unknownForMs) {
      manager.webDir = newWebDir();
      savepoints.forgetAll();
      jobs.takeOver(unknownForMs);
    },
    die() {
      dead = true;
      clock.die();
      jobs.loseAll();
      savepoints.forgetAll();
      jars.forgetAll();
    },
  };
  return manager;
}
