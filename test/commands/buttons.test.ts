import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../src/commands/index.ts';
import { parseCommand } from '../../src/commands/parse.ts';
import { fillCommand } from '../../src/web/fill-command.ts';

// Every message that the other tests of this folder see is checked by their helper; here is what only the engine, incidents and pages say.
const root = join(import.meta.dirname, '../..');
const kindsThatWait = ['start', 'stop', 'restart', 'restore'];

/** Sample values for what stands between `${` and `}` in a command's template. */
function samples(expression: string): string[] {
  if (/kind$/.test(expression)) return kindsThatWait;
  if (/^verb$/.test(expression)) return ['stop', 'restart'];
  if (/number|version|Version|\['version'\]|^n$/.test(expression)) return ['3'];
  if (/(op|execution\.op)\.id$|^id$|^(f\.)?operation(Id)?$/.test(expression)) return ['op_4k2m9x7qw3tz'];
  if (/(row|leader)\.id$/.test(expression)) return ['inc_4k2m9x7qw3tz'];
  if (/p\.id$/.test(expression)) return ['rp_4k2m9x7qw3tz'];
  if (/^target$/.test(expression)) return ['etl-orders', 'cluster:standalone'];
  if (/^(line|words)$/.test(expression))
    return ['restart etl-orders --version v3', 'restart etl-orders --build --branch main', 'stop etl-orders'];
  if (/job|name/i.test(expression)) return ['etl-orders'];
  throw new Error(`a button's command holds \${${expression}}, for which this test knows no sample value`);
}
function expand(template: string): string[] {
  const match = /\$\{((?:[^{}`]|\{[^{}]*\}|`[^`]*`)*)\}/.exec(template);
  if (!match) return [template];
  const [whole, expression = ''] = match;
  // `${x ? ` --version v${x}` : ''}` is both of its branches.
  const inner = /\?\s*`([^`]*)`\s*:\s*''/.exec(expression);
  const values = inner ? ['', inner[1] ?? ''] : samples(expression);
  return values.flatMap((value) => expand(template.replace(whole, () => value)));
}

test('every command that a button of the engine, of an incident or of a page types is in the table', () => {
  const found: string[] = [];
  for (const folder of ['src', 'views'])
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.ts$/.test(name) || /^(commands|practice|slack|flink|core)\//.test(name)) continue;
      const source = readFileSync(join(root, folder, name), 'utf8');
      for (const [, template = ''] of source.matchAll(/\bcommand: `((?:[^`$]|\$\{(?:[^{}`]|`[^`]*`)*\}|\$)*)`/g))
        for (const line of expand(template)) {
          found.push(line);
          const filled = fillCommand(line, { input: "it's down", choice: 'rp_1', multiline: false });
          assert.equal(parseCommand(filled, commands).is, 'command', `${folder}/${name}: ${line}`);
        }
    }
  for (const expected of [
    'retry op_4k2m9x7qw3tz',
    'acknowledge inc_4k2m9x7qw3tz',
    'cancel etl-orders --operation op_4k2m9x7qw3tz',
    'use etl-orders v3',
  ])
    assert.ok(found.includes(expected), `${expected} is not among ${found.join('; ')}`);
});
