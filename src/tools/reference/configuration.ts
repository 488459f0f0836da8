import { describeSettings, type KeyRow } from '../../config/describe.ts';
import { variables } from '../../config/environment.ts';
import { cell } from './markdown.ts';

/** docs/configuration.md: every variable and every key, from the schema. */
export function configurationPage(): string {
  const rows = describeSettings();
  const groups = rows.filter((row) => row.isGroup);
  const lines = [
    '# Configuration',
    '',
    'Sluice reads `sluice.yaml` in its working directory, or the file that `SLUICE_CONFIG` names. Every key has a default, so the file may be missing or hold a few lines; `sluice.example.yaml` shows all of them.',
    'Secrets come from the environment and are never written into the file. A variable wins over the file, an option of the command line over both. What is wrong is reported all at once, each with its file, line and column.',
    '',
    'Durations are typed as `500 ms`, `30s`, `5 min`, `2h`, `1 d`; sizes as `512 MB`, `2 GB`.',
    '',
    '## Environment variables',
    '',
    '| Variable | What it is | Key |',
    '| --- | --- | --- |',
    ...variables.map((v) => `| \`${v.name}\` | ${cell(v.description)} | ${v.path ? `\`${v.path.join('.')}\`` : ''} |`),
    '',
    'With `SLACK_APP_TOKEN` Sluice uses Socket Mode, without it signed HTTP requests to `/slack/events`, which need `SLACK_SIGNING_SECRET`. An empty variable counts as not set.',
    '',
    '## Keys of `sluice.yaml`',
    '',
    ...keyTable(rows.filter((row) => !row.isGroup && !row.key.includes('.'))),
    ...rows.filter((row) => isListOfGroups(row, rows)).flatMap((row) => section(row, childrenOf(`${row.key}[]`, rows))),
    ...groups.flatMap((group) => {
      // Keys of a group inside have a section of their own.
      const inner = groups.filter((other) => other.key.startsWith(`${group.key}.`));
      return section(
        group,
        childrenOf(group.key, rows).filter((row) => !inner.some((other) => row.key.startsWith(`${other.key}.`))),
      );
    }),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(group: KeyRow, children: readonly KeyRow[]): string[] {
  return [`### \`${group.key}\``, '', group.description, '', ...keyTable(children)];
}
function keyTable(rows: readonly KeyRow[]): string[] {
  return [
    '| Key | What it is | Expected | Default |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      (row) =>
        `| \`${row.key}\` | ${cell(row.description)} | ${cell(expectation(row))} | ${row.default === undefined ? '' : `\`${cell(row.default)}\``} |`,
    ),
    '',
  ];
}
function expectation(row: KeyRow): string {
  return row.example === undefined || row.example === row.default
    ? (row.expected ?? '')
    : `${row.expected}, for example \`${row.example}\``;
}
function childrenOf(key: string, rows: readonly KeyRow[]): KeyRow[] {
  return rows.filter((row) => row.key.startsWith(`${key}.`));
}
function isListOfGroups(row: KeyRow, rows: readonly KeyRow[]): boolean {
  return rows.some((other) => other.key.startsWith(`${row.key}[].`));
}

/** sluice.example.yaml: every key with its default (or an example), commented out. */
export function exampleFile(): string {
  const lines = [
    '## Configuration of Sluice. Copy this file to sluice.yaml and take the # away from the keys that you want to set,',
    '## and from the group that they stand in. They show the default, or an example where there is none.',
    '## Secrets come from the environment: see docs/configuration.md.',
  ];
  for (const row of describeSettings()) {
    if (row.key.includes('[]')) continue;
    const indent = '  '.repeat(row.key.split('.').length - 1);
    const name = row.key.split('.').at(-1);
    const isEmpty = row.default === undefined || row.default === '[]';
    lines.push(...(indent === '' ? [''] : []), ...wrap(row.description, 110 - indent.length).map((line) => `## ${indent}${line}`));
    lines.push(row.isGroup ? `#${indent}${name}:` : `#${indent}${name}: ${isEmpty ? row.example : row.default}`);
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
