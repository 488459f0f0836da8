import type { OperationKind } from '../types.ts';
import { buildKind } from './build.ts';
import { restartKind } from './restart.ts';
import { restoreKind } from './restore.ts';
import { savepointKind } from './savepoint.ts';
import { startKind } from './start.ts';
import { stopKind } from './stop.ts';

/** Every operation kind there is. */
export const operationKinds: readonly OperationKind[] = [buildKind, startKind, stopKind, savepointKind, restartKind, restoreKind];
