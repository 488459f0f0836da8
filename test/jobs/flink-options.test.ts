import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { flinkOptions } from '../../src/jobs/flink-options.ts';

const empty: JobDefinition = { cluster: 'c', environment: 'production', args: [], flink: {}, links: [] };

describe('the Flink options of a run', () => {
  it('keep checkpoints after a cancel or a failure, whatever the job says of itself', () => {
    assert.deepEqual(flinkOptions('etl-orders', empty), {
      'pipeline.name': 'etl-orders',
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'execution.checkpointing.num-retained': '3',
    });
  });
  it('carry each parameter under its newest key', () => {
    const options = flinkOptions('j', {
      ...empty,
      checkpointInterval: '10s',
      checkpointDir: 's3://cp',
      savepointDir: 's3://sp',
      stateBackend: 'rocksdb',
      restartStrategy: { kind: 'fixed-delay', attempts: 3, delay: '5 min' },
    });
    assert.equal(options['execution.checkpointing.interval'], '10s');
    assert.equal(options['execution.checkpointing.dir'], 's3://cp');
    assert.equal(options['execution.checkpointing.savepoint-dir'], 's3://sp');
    assert.equal(options['state.backend.type'], 'rocksdb');
    assert.equal(options['restart-strategy.type'], 'fixed-delay');
    assert.equal(options['restart-strategy.fixed-delay.attempts'], '3');
    assert.equal(options['restart-strategy.fixed-delay.delay'], '5min');
  });
  it('name no attempts for strategies that have none', () => {
    for (const kind of ['none', 'exponential-delay'] as const) {
      const options = flinkOptions('j', { ...empty, restartStrategy: { kind } });
      assert.equal(options['restart-strategy.type'], kind);
      assert.equal(options['restart-strategy.fixed-delay.attempts'], undefined);
    }
  });
  it('let a key that was set by name win', () => {
    const options = flinkOptions('j', {
      ...empty,
      checkpointInterval: '10s',
      flink: { 'execution.checkpointing.interval': '30s', 'own.key': 'x' },
    });
    assert.equal(options['execution.checkpointing.interval'], '30s');
    assert.equal(options['own.key'], 'x');
  });
  // Flink reads whole numbers with a unit only.
  for (const [typed, flink] of [
    ['10s', '10s'],
    ['10 sec', '10s'],
    ['5m', '5min'],
    ['5 min', '5min'],
    ['1h', '1h'],
    ['1.5 min', '90000ms'],
    ['0.5s', '500ms'],
    ['2000', '2000'],
    ['10 S', '10S'],
  ] as const)
    it(`write the duration ${typed} as ${flink}`, () => {
      assert.equal(flinkOptions('j', { ...empty, checkpointInterval: typed })['execution.checkpointing.interval'], flink);
    });
});
