import type { ClusterKind } from '../deployer.ts';
import { standalone } from './standalone.ts';
import { yarn } from './yarn.ts';

/** Every kind of cluster that Sluice can deploy to, or look on at. */
export const clusterKinds: readonly ClusterKind[] = [standalone, yarn];
