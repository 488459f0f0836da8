import type { ClusterFacts } from '../deployer.ts';

/** The slots and jobs of several JobManagers together, and which releases they are. What does not answer does not count. Pure. */
export function addFacts(told: readonly (ClusterFacts | undefined)[]): ClusterFacts {
  const facts = told.filter((one) => one !== undefined);
  const sum = (of: (one: ClusterFacts) => number) => facts.reduce((total, one) => total + of(one), 0);
  const versions = [...new Set(facts.map((one) => one.flinkVersion))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return {
    flinkVersion: versions.join(', ') || 'none',
    slotsTotal: sum((one) => one.slotsTotal),
    slotsAvailable: sum((one) => one.slotsAvailable),
    taskManagers: sum((one) => one.taskManagers),
    jobsRunning: sum((one) => one.jobsRunning),
  };
}
