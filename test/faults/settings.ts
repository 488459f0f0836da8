/** What `npm run test:faults` sets; by default what a test run does. */
export interface FaultSettings {
  /** The first round's; each later one has the next number. */
  seed: number;
  rounds: number;
  minutes: number;
  /** On real Flink. */
  realRounds: number;
  /** How many go on side by side on the stand-in. */
  worlds: number;
  /** How long a process is frozen: longer than a lease. */
  frozenForMs: number;
  /** Freezes at the effects of every kind; else of those whose steps the others share. */
  everyFreeze: boolean;
}
export function faultSettings(env = process.env): FaultSettings {
  const number = (name: string, fallback: number) => {
    const value = Number(env[name] ?? fallback);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is ${env[name]}, and has to be a number`);
    return value;
  };
  const rounds = number('FAULTS_ROUNDS', 0);
  return {
    // A test run repeats itself, as far as real processes do; by command each run has a seed of its own.
    seed: number('FAULTS_SEED', 1),
    rounds: rounds || Number.POSITIVE_INFINITY,
    minutes: number('FAULTS_MINUTES', rounds > 0 ? 24 * 60 : 8),
    realRounds: number('FAULTS_REAL_ROUNDS', 10),
    worlds: Math.max(1, number('FAULTS_WORLDS', 2)),
    frozenForMs: number('FAULTS_FROZEN_MS', 18_000),
    everyFreeze: env['FAULTS_EVERY_FREEZE'] === '1',
  };
}

/** Figures that `npm run test:faults` measures on demand; a test run makes a few of each, which proves the way, not the figure. */
export function figureSettings(env = process.env): { kills: number; restarts: number; rollings: number; incidents: number; seed: number } {
  return {
    kills: Number(env['FAULTS_KILLS'] ?? 2),
    incidents: Number(env['FAULTS_INCIDENTS'] ?? 300),
    seed: Number(env['FAULTS_SEED'] ?? 1),
    restarts: Number(env['FAULTS_RESTARTS'] ?? 30),
    rollings: env['FAULTS_RESTARTS'] === undefined ? 2 : 20,
  };
}
