import { decide, type Person } from '../access/policy.ts';
import { errorToMessage } from '../core/errors.ts';
import { type Message, message, type PersonRef, text } from '../core/message.ts';
import { dbNow } from '../db/clock.ts';
import { findJob, type Job, listJobs } from '../jobs/jobs.store.ts';
import { listRestorePoints } from '../restore-points/restore-points.store.ts';
import { knownPerson, mayNotUse } from './known-person.ts';
import { lastUsed } from './picker.store.ts';
import { hasWords, rank } from './picker-rank.ts';
import { type Question, questionOf, restorePointsIn } from './question.ts';
import type { Command, CommandServices } from './spec.ts';
import { busyWords, type JobView, jobViews } from './views/job-view.ts';
import { describePoint, pathTail, pointsAtMost } from './views/restore-point-words.ts';
import { firstLook } from './within.ts';

/** One option of a list: what is shown, what is said below it, and the word of the command line. */
export interface Choice {
  label: string;
  description: string;
  value: string;
}
/** Lists that complete a command line which leaves something out. What a person may not do, or not see, is in none of them. */
export interface Pickers {
  /** What a form would ask for; undefined when a line is whole, or needs no job. By the command table alone, at once. */
  question(line: string): Question | undefined;
  /** The job whose restore points `{choice}` stands for in a line. By the command table alone. */
  pointsIn(line: string): { command: Command; job: string } | undefined;
  /** Why this person can choose nothing there; undefined when they can. Answers within 2 s, never rejects. */
  obstacle(command: Command, person: PersonRef): Promise<Message | undefined>;
  /** The jobs on which this person may use the command, best first. @throws UnreachableError within 2 s */
  jobs(command: Command, person: PersonRef, typed: string): Promise<Choice[]>;
  /** The restore points of a job, newest first; none of a job on which this person may not use the command. @throws UnreachableError within 2 s */
  restorePoints(command: Command, job: string, person: PersonRef, typed: string): Promise<Choice[]>;
}

/** A Slack select takes 100 options. */
const choicesAtMost = 100;

/** The lists behind the forms, over the same people, rights and jobs as the commands. */
export function createPickers(services: CommandServices, commands: readonly Command[]): Pickers {
  const { db } = services.database;
  const may = (person: Person | undefined, command: Command, job: Job) =>
    decide(person, command.right, { team: job.team, environment: job.current.definition.environment });

  async function jobsFor(command: Command, ref: PersonRef, typed: string): Promise<Choice[]> {
    const person = await knownPerson(services, ref);
    if (!person?.active) return [];
    const [now, used] = await Promise.all([dbNow(db), lastUsed(db, ref)]);
    const views = await jobViews(db, now, (job) => may(person, command, job) !== 'no');
    const teams = new Set(person.memberships.map((m) => m.team));
    const candidates = views.map((view) => ({
      name: view.job.name,
      usedAtMs: used.get(view.job.name),
      own: teams.has(view.job.team),
      view,
    }));
    const manyTeams = new Set(views.map((view) => view.job.team)).size > 1;
    return rank(candidates, typed)
      .slice(0, choicesAtMost)
      .map(({ name, view }) => ({
        label: name,
        description: describe(view, may(person, command, view.job) === 'asks', manyTeams),
        value: name,
      }));
  }

  async function pointsFor(command: Command, name: string, ref: PersonRef, typed: string): Promise<Choice[]> {
    const [person, job] = await Promise.all([knownPerson(services, ref), findJob(db, name)]);
    if (!job || may(person, command, job) === 'no') return [];
    const [now, points] = await Promise.all([dbNow(db), listRestorePoints(db, job.name, pointsAtMost)]);
    const wanted = typed.trim().toLowerCase();
    return points
      .map((point) => ({ label: describePoint(point, now), description: pathTail(point.path), value: point.id, path: point.path }))
      .filter(({ label, path, value }) => wanted === '' || hasWords(`${label} ${path} ${value}`.toLowerCase(), wanted))
      .slice(0, choicesAtMost)
      .map(({ label, description, value }) => ({ label, description, value }));
  }

  async function obstacleFor(command: Command, ref: PersonRef): Promise<Message | undefined> {
    const person = await knownPerson(services, ref);
    if (decide(person, command.right, { team: undefined }) === 'no') throw mayNotUse(person, command);
    const jobs = await listJobs(db);
    if (jobs.some((job) => may(person, command, job) !== 'no')) return undefined;
    return message(
      'neutral',
      jobs.length === 0 ? 'There are no jobs yet.' : `There is no job on which you may use ${command.name}.`,
      text(
        jobs.length === 0
          ? 'An admin adds them from a folder of YAML files with npm run apply.'
          : 'An admin of Sluice can give you a role in the team of a job.',
      ),
    );
  }

  return {
    question: (line) => questionOf(line, commands),
    pointsIn: (line) => restorePointsIn(line, commands),
    async obstacle(command, ref) {
      try {
        return await firstLook(obstacleFor(command, ref));
      } catch (error) {
        const told = errorToMessage(error);
        if (told.reference) services.log.error({ reference: told.reference, error: String(error) }, 'a form could not be filled');
        return told.message;
      }
    },
    jobs: (command, ref, typed) => firstLook(jobsFor(command, ref, typed)),
    restorePoints: (command, job, ref, typed) => firstLook(pointsFor(command, job, ref, typed)),
  };
}

/** `production · running v3 · a lead approves` */
function describe(view: JobView, asks: boolean, manyTeams: boolean): string {
  const { job, run, holder, state } = view;
  const live = run && !run.ended ? ` v${run.version}` : '';
  return [
    job.current.definition.environment,
    state === 'new' ? 'has never run' : state === 'busy' ? undefined : `${state}${live}`,
    holder ? busyWords(holder) : undefined,
    asks ? 'a lead approves' : undefined,
    manyTeams ? `team ${job.team}` : undefined,
  ]
    .filter(Boolean)
    .join(' · ');
}
