import type { Cluster, ClusterInput } from '../../deploy/clusters.store.ts';

/** As the fields are called in a folder, where that is another word. */
const typedAs: Record<string, string> = { kind: 'type', observed: 'observe' };

/** Which fields of a cluster differ, as they are called in a folder; of options each by its own name. Values may hold a login: they are not told. */
export function changedFields(before: Cluster, after: ClusterInput): string[] {
  const [a, b] = [flat(before), flat(after)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key)).map((key) => typedAs[key] ?? key);
}
function flat({ options = {}, ...cluster }: ClusterInput): Map<string, unknown> {
  const fields = Object.entries(cluster).filter(([key]) => key !== 'name' && key !== 'registeredAt');
  return new Map([...fields, ...Object.entries(options)].filter(([, value]) => value !== null && value !== undefined));
}
