import { buildIdOf } from '../../../src/operations/steps/build-sources.ts';
import type { History, Violation } from './history.ts';
import type { World } from './world.ts';

/** I7: nothing that an operation made on the way is left without somebody who will clear it away: processes, folders, jars. */
export function checkLeftovers(h: History, world: World): Violation[] {
  const found: [string, ...string[]][] = [];
  const building = new Set(h.operations.filter((op) => op.state === 'running').map((op) => buildIdOf(op.id)));
  // A parked build may be sent on, and an accepted one begins with an empty folder.
  const kept = new Set(h.operations.filter((op) => ['running', 'queued', 'parked'].includes(op.state)).map((op) => buildIdOf(op.id)));
  for (const process of h.processes)
    if (!building.has(process.build)) found.push([`a process of the build ${process.build} is left`, String(process.pid), process.build]);
  for (const workspace of h.workspaces) if (!kept.has(workspace)) found.push([`the folder of the build ${workspace} is left`, workspace]);
  let twice = 0;
  const double: string[] = [];
  for (const [place, jars] of Map.groupBy(world.jars, (jar) => `${jar.cluster}: ${jar.name}`)) {
    const sha = /sluice-([0-9a-f]{16})-/.exec(place)?.[1];
    if (sha === undefined) continue;
    if (!h.artifacts.some((artifact) => artifact.sha256.startsWith(sha)))
      found.push([`the jar ${place} belongs to no artifact`, ...jars.map((jar) => jar.jarId)]);
    if (jars.length === 1) continue;
    twice += jars.length - 1;
    double.push(...jars.map((jar) => jar.jarId));
  }
  if (twice > h.ambiguousUploads)
    found.push([`${twice} jars too many are on the clusters, and the answer was lost of ${h.ambiguousUploads} uploads`, ...double]);
  return found.map(([what, ...ids]) => ({ invariant: 'I7', what, ids }));
}
