import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { run } from '../../src/core/process.ts';
import { applyMutant, type Mutant, misfit, mutantProcess, runMutant } from './mutate.ts';

const file = 'src/core/time.ts';
const root = join(import.meta.dirname, '../..');

/** A program of two lines beside this test, and a mutant of what it imports. */
async function program(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(import.meta.dirname, 'mutate-'));
  t.after(() => rm(dir, { recursive: true }));
  const script = join(dir, 'program.ts');
  await writeFile(script, "import { maxCrashes } from '../../../src/operations/machine.ts';\nprocess.exitCode = maxCrashes;\n");
  return relative(root, script);
}
const mutant: Mutant = { file: 'src/operations/machine.ts', from: 'maxCrashes = 3', to: 'maxCrashes = 5' };

describe('a mutant', () => {
  it('is what the child runs, and nothing but the child', async (t) => {
    const script = await program(t);
    assert.equal((await runMutant(mutant, script, [], { timeoutMs: 60_000 })).code, 5);
    assert.equal((await run(process.execPath, [join(root, script)], { cwd: root })).code, 3);
  });
  it('that does not fit is refused before anything runs', async (t) => {
    const script = await program(t);
    const gone = { ...mutant, from: 'maxCrashes = 4' };
    await assert.rejects(runMutant(gone, script, [], { timeoutMs: 60_000 }), /occurs 0 times/);
    assert.throws(() => mutantProcess({ ...mutant, from: 'case' }), /occurs \d+ times in src\/operations\/machine.ts, not once/);
  });
  it('that does not fit is refused in the child too', async (t) => {
    const script = await program(t);
    const { args } = mutantProcess(mutant);
    const env = { SLUICE_MUTANT: JSON.stringify({ ...mutant, from: 'maxCrashes = 4' }) };
    const result = await run(process.execPath, [...args, join(root, script)], { cwd: root, env });
    assert.equal(result.code, misfit, result.tail.join('\n'));
    assert.match(result.tail.join('\n'), /occurs 0 times/);
  });
  it('whose file the child never loads does not pass for planted', async (t) => {
    const script = await program(t);
    const elsewhere = { file, from: 'export function sleep', to: 'export function  sleep' };
    await assert.rejects(runMutant(elsewhere, script, [], { timeoutMs: 60_000 }), /was never loaded/);
  });
  it('replaces the one snippet, dollar signs and all', () => {
    assert.equal(applyMutant('a b c', { file, from: 'b', to: '$&$1' }), 'a $&$1 c');
    assert.throws(() => applyMutant('a b b', { file, from: 'b', to: 'c' }), /occurs 2 times/);
    assert.throws(() => applyMutant('a b', { file, from: 'b', to: 'b' }), /changes nothing/);
  });
});
