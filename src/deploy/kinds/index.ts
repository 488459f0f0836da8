import type { ClusterKind } from '../deployer.ts';
import { standalone } from './standalone.ts';

/** Every kind of cluster that Sluice can deploy to. */
export const clusterKinds: readonly ClusterKind[] = [standalone];
