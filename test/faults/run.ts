import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const help = `npm run test:faults -- [options]: people at work while everything breaks, as often as you like

  --runs N        rounds on the stand-in of Flink, 0 for none (default: 8 minutes of them)
  --minutes M     or so long (all worlds together)
  --real N        rounds on real Flink (default 10, 0 for none)
  --worlds N      how many of them go on side by side (default 2)
  --seed S        of the first round; each later one has the next number. A round that failed names its own: --runs 1 --seed <that>
  --points        also every crash point, with freezes of 30 s in every kind, and the interleavings
  --kills N       also N takeovers and N resumes after a SIGKILL, timed
  --incidents N   also N incidents told over 50 channels while calls fail and answers get lost
  --restarts N    also N operations while PostgreSQL is restarted every 5 to 10 s, and 20 rolling restarts during 50 operations

To measure a figure alone, leave the others out: --runs 0 --real 0 --kills 300`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    worlds: { type: 'string' },
    minutes: { type: 'string' },
    real: { type: 'string' },
    seed: { type: 'string' },
    kills: { type: 'string' },
    restarts: { type: 'string' },
    incidents: { type: 'string' },
    points: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
// By command a freeze lasts half a minute, and meets every kind.
const env: Record<string, string> = values.points ? { FAULTS_FROZEN_MS: '30000', FAULTS_EVERY_FREEZE: '1' } : {};
const names = {
  runs: 'FAULTS_ROUNDS',
  worlds: 'FAULTS_WORLDS',
  minutes: 'FAULTS_MINUTES',
  real: 'FAULTS_REAL_ROUNDS',
  seed: 'FAULTS_SEED',
  kills: 'FAULTS_KILLS',
  restarts: 'FAULTS_RESTARTS',
  incidents: 'FAULTS_INCIDENTS',
} as const;
env['FAULTS_SEED'] = String(Math.floor(Math.random() * 1_000_000_000));
for (const [option, name] of Object.entries(names) as [keyof typeof names, string][]) {
  const value = values[option];
  if (value === undefined) continue;
  if (!/^\d+$/.test(value)) {
    console.error(`--${option} takes a whole number, not "${value}".\n\n${help}`);
    process.exit(2);
  }
  env[name] = value;
}
const none = (value: string | undefined) => value !== undefined && Number(value) === 0;
const files = [
  ...(none(values.runs) ? [] : ['random.test']),
  ...(none(values.real) ? [] : ['real-flink.test']),
  ...(values.kills || values.restarts ? ['figures.test'] : []),
  ...(values.points ? ['crash-points-*.test', 'interleavings/*.test', 'mutants.test'] : []),
].map((name) => `test/faults/${name}.ts`);
if (values.incidents) files.push('test/outbox/many.test.ts');
if (files.length === 0) {
  console.error(`Nothing is left to run.\n\n${help}`);
  process.exit(2);
}
const child = spawn(
  process.execPath,
  ['--import', './src/node24.js', '--test', '--test-global-setup=test/helpers/global-setup.ts', '--test-concurrency=2', ...files],
  { stdio: 'inherit', env: { ...process.env, ...env } },
);
child.once('close', (code) => process.exit(code ?? 1));
