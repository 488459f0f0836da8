import { fields } from '../../core/message.ts';
import { formatBytes, formatDuration } from '../../core/time.ts';
import { failureOutcome, outcome } from '../message.ts';
import { buildSteps, undoBuild } from '../steps/build.ts';
import { buildIdOf } from '../steps/build-sources.ts';
import type { OperationKind, StepContext } from '../types.ts';

/** Facts of a finished build. */
export function buildFields(c: StepContext) {
  const { commit, branch } = c.results['build-resolve'] as { commit: string; branch: string | null };
  const { subject } = c.results['build-clone'] as { subject: string };
  const { sha256, size, name } = c.results['build-publish'] as { sha256: string; size: number; name: string };
  const { durationMs } = c.results['build-compile'] as { durationMs: number };
  return fields([
    ['Commit', [{ code: commit.slice(0, 10) }, ` ${subject}`]],
    ['Branch', branch ?? undefined],
    ['Artifact', `${name}, ${formatBytes(size)}`],
    ['SHA-256', [{ code: sha256 }]],
    ['Compiled in', formatDuration(durationMs)],
    ['Log', [{ link: 'whole log', url: `${c.services.settings.publicUrl}/builds/${buildIdOf(c.op.id)}` }]],
  ]);
}

/** Build: commit -> artifact -> job version n+1. What runs is not touched. */
export const buildKind: OperationKind = {
  kind: 'build',
  busyTitle: (op) => `Building ${op.job}`,
  steps: buildSteps,
  undo: [undoBuild],
  async succeeded(c) {
    const { version, unchanged } = c.results['build-bind'] as { version: number; unchanged: boolean };
    const title = unchanged ? `Built ${c.op.job}: the same artifact as v${version}, so no new version` : `Built ${c.op.job}: v${version}`;
    return outcome(
      'good',
      title,
      [buildFields(c)],
      [
        {
          label: `Restart with v${version}`,
          command: `restart ${c.op.job} --version v${version}`,
          confirm: { title: `Restart ${c.op.job}?`, text: `It is stopped with a savepoint and started as v${version}.`, yes: 'Restart' },
        },
        { label: 'Start', command: `start ${c.op.job} --version v${version}` },
      ],
    );
  },
  async failed(c, _step, error) {
    const { outcome: said } = failureOutcome(`${c.op.job} was not built`, error);
    return {
      ...said,
      actions: [
        { label: 'Build again', command: `build ${c.op.job}` },
        { label: 'Whole log', url: `${c.services.settings.publicUrl}/builds/${buildIdOf(c.op.id)}` },
      ],
    };
  },
};
