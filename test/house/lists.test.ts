import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkWith } from './fixture.ts';

const says = (changes: Record<string, string | undefined>): string[] => checkWith(changes).map((p) => `${p.file}:${p.line} ${p.message}`);
const listOf = (names: string[]) =>
  `${names.map((n) => `import { ${n} } from './${n}.ts';`).join('\n')}\nexport const commands = [${names}];\n`;

describe('lists of the house', () => {
  test('a command that is nowhere listed, documented and tested is told three times', () => {
    const file = "import { defineCommand } from './define.ts';\n\nexport const rescale = defineCommand({ name: 'rescale' });\n";
    assert.deepEqual(says({ 'src/commands/rescale.ts': file }), [
      'src/commands/rescale.ts:3 the command rescale is not listed in src/commands/index.ts',
      'src/commands/rescale.ts:3 the command rescale is not in docs/commands.md; run npm run docs',
      'src/commands/rescale.ts:3 the command rescale has no test test/commands/rescale.test.ts',
    ]);
  });
  test('a command without a test', () => {
    assert.deepEqual(says({ 'test/commands/start.test.ts': undefined }), [
      'src/commands/start.ts:3 the command start has no test test/commands/start.test.ts',
    ]);
  });
  test('a command that the docs mention but do not describe', () => {
    assert.deepEqual(says({ 'docs/commands.md': '# Commands\n\n## restart\n\nLike start.\n' }), [
      'src/commands/start.ts:3 the command start is not in docs/commands.md; run npm run docs',
    ]);
  });
  test('a command left out of the list', () => {
    assert.deepEqual(says({ 'src/commands/index.ts': 'export const commands = [];\n' }), [
      'src/commands/start.ts:3 the command start is not listed in src/commands/index.ts',
    ]);
  });
  test('a second command that is listed, documented and tested', () => {
    const changes = {
      'src/commands/stop.ts': "import { defineCommand } from './define.ts';\nexport const stop = defineCommand({ name: 'stop' });\n",
      'src/commands/index.ts': listOf(['start', 'stop']),
      'docs/commands.md': '# Commands\n\n## start\n\n## `stop`\n',
      'test/commands/stop.test.ts': '',
    };
    assert.deepEqual(says(changes), []);
  });
  test('a kind, a rule and a channel that nobody lists', () => {
    const changes = {
      'src/operations/kinds/start.ts': 'export const start = 1;\n',
      'src/operations/kinds/index.ts': 'export const kinds = [];\n',
      'src/deploy/kinds/yarn.ts': 'export const yarn = 1;\n',
      'src/watch/rules/lost.ts': 'export const lost = 1;\n',
      'src/channels/webhook.ts': 'export const webhook = 1;\n',
    };
    assert.deepEqual(says(changes), [
      'src/channels/webhook.ts:1 is not listed in src/channels/index.ts',
      'src/deploy/kinds/yarn.ts:1 is not listed in src/deploy/kinds/index.ts',
      'src/operations/kinds/start.ts:1 is not listed in src/operations/kinds/index.ts',
      'src/watch/rules/lost.ts:1 is not listed in src/watch/rules/index.ts',
    ]);
  });
});
