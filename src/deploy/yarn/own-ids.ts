import type { Deployer } from '../deployer.ts';

/** Id of every job in application mode with high availability, of Flink before FLINK-19358 (1.13 to early 1.15). */
const sharedId = '0'.repeat(32);

/**
 * The id under which Sluice knows such a job: the number and the time in its application's id, filled up with zeros, so that many applications are not
 * one job. A new attempt of the application keeps it. Pure.
 */
function ownIdOf(application: string): string {
  const [, startedAt = '', number = ''] = /^application_(\d+)_(\d+)$/.exec(application) ?? [];
  return startedAt === '' ? sharedId : `${number.padStart(6, '0')}${startedAt}`.padEnd(32, '0');
}
/** The id under which Flink knows a job of an application. Pure. */
export function flinkIdIn(application: string, flinkJobId: string): string {
  return flinkJobId === ownIdOf(application) ? sharedId : flinkJobId;
}

/** What reads from the JobManager of an application, with an id of its own for the job that Flink gave the id of all. */
export function withOwnIds(deployer: Deployer, application: string): Deployer {
  const ownId = ownIdOf(application);
  const inFlink = (id: string) => flinkIdIn(application, id);
  const named = <T>(jobs: ReadonlyMap<string, T>) => new Map([...jobs].map(([id, job]) => [id === sharedId ? ownId : id, job]));
  return {
    ...deployer,
    listRuns: async (o) => named(await deployer.listRuns(o)),
    overview: async (o) => named(await deployer.overview(o)),
    look: (id, o) => deployer.look(inFlink(id), o),
    state: (id, o) => deployer.state(inFlink(id), o),
    rootCause: (id, o) => deployer.rootCause(inFlink(id), o),
    savepoint: (id, triggerId, o) => deployer.savepoint(inFlink(id), triggerId, o),
    checkpoints: (id, o) => deployer.checkpoints(inFlink(id), o),
    checkpointConfig: (id, o) => deployer.checkpointConfig(inFlink(id), o),
    vertices: (id, o) => deployer.vertices(inFlink(id), o),
    flow: (id, vertex, o) => deployer.flow(inFlink(id), vertex, o),
  };
}
