import { earlierReply, once, rememberReply } from '../access/deliveries.store.ts';
import { reportError } from '../access/error-reports.store.ts';
import { decide, whoMay } from '../access/policy.ts';
import { AppError, errorToMessage, PermissionError } from '../core/errors.ts';
import { type Action, actions, type Message, text } from '../core/message.ts';
import { nearest, quoteWord } from '../core/text.ts';
import { dbNow } from '../db/clock.ts';
import { findJob, jobNames } from '../jobs/jobs.store.ts';
import { refuseObserved } from '../operations/accept.ts';
import { findMessage } from '../outbox/outbox.store.ts';
import { knownPerson, mayNotUse } from './known-person.ts';
import { Missing, optionWords, parseCommand } from './parse.ts';
import type { CommandReply, CommandRequest, HandleCommand } from './request.ts';
import { type Args, type Command, type CommandContext, type CommandServices, commandButton, Reply } from './spec.ts';
import { jobOfThread } from './thread-job.ts';
import { firstLook, within } from './within.ts';

/** How long a first answer may take; what asks Flink says "looking" after that, and its answer follows. */
const promptlyMs = 1000;

/** The one road of every command line: parse, find the person, permit, run; bad input is a reply, and a replay gets the first answer. */
export function createRouter(services: CommandServices, commands: readonly Command[]): HandleCommand {
  return async (request) => {
    let command: Command | undefined;
    const told = async (error: unknown): Promise<CommandReply> => {
      const { message, replay } = await explain(services, request, error);
      // A refusal is an answer too: the same request, delivered again later, must not take effect then.
      if (command?.kind === 'operate' && isAnswer(error))
        await rememberReply(services.database.db, request.deliveryKey, message).catch(() => {});
      return replay ? replayed(message) : { message, refused: true };
    };
    try {
      const replay = await firstLook(earlierReply(services.database.db, request.deliveryKey));
      if (replay) return replayed(replay);
      const impliedJob = request.origin.threadTs
        ? await jobOfThread(services.database.db, request.origin.channel, request.origin.threadTs)
        : undefined;
      const parsed = parseCommand(request.line, commands, impliedJob);
      const line =
        parsed.is === 'empty'
          ? { command: commands.find((c) => c.name === 'help') as Command, args: { values: {}, options: {}, rest: [] } as Args }
          : parsed;
      command = line.command;
      if (line.args.options['help']) {
        const help = commands.find((c) => c.name === 'help') as Command;
        return { message: await run(services, commands, help, { values: { verb: line.command.name }, options: {}, rest: [] }, request) };
      }
      const answer = run(services, commands, command, line.args, request).then((message): CommandReply => ({ message }), told);
      const prompt = command.slow === 'always' ? undefined : await (command.slow === 'maybe' ? within(answer, promptlyMs) : answer);
      if (prompt) return prompt;
      const job = line.args.values['job'];
      return {
        message: { tone: 'busy', title: `Looking${job ? ` at ${job}` : ''}…`, parts: [] },
        later: answer.then((reply) => reply.message),
      };
    } catch (error) {
      return told(error);
    }
  };
}

/** The answer that a request got before. Only what changes something is kept, and of that only refusals are bad news. */
function replayed(message: Message): CommandReply {
  return message.tone === 'bad' ? { message, refused: true } : { message };
}

async function run(
  services: CommandServices,
  commands: readonly Command[],
  command: Command,
  args: Args,
  request: CommandRequest,
): Promise<Message> {
  const { database } = services;
  const person = await knownPerson(services, request.person);
  const anyTeam = { team: undefined };
  if (decide(person, command.right, anyTeam) === 'no') throw mayNotUse(person, command);
  let changed = false;
  const ctx: CommandContext = {
    services,
    request,
    person,
    now: await dbNow(database.db),
    commands,
    me() {
      if (!person) throw mayNotUse(person, command);
      return person;
    },
    verdict: (right, job) => decide(person, right, { team: job.team, environment: job.current.definition.environment }),
    async job(name, right = command.right) {
      const job = await findJob(database.db, name);
      if (!job) throw await unknownJob(services, command, args, name);
      if (decide(person, right, { team: job.team, environment: job.current.definition.environment }) === 'no')
        throw new PermissionError(`You may not use ${command.name} on ${job.name}: that needs ${whoMay(right)} of team ${job.team}.`, {
          hint: 'Ask an admin, or somebody of that team.',
        });
      if (command.acts) await refuseObserved(database.db, job);
      return job;
    },
    async effect(change) {
      changed = true;
      const reply = await once(database, request.deliveryKey, change);
      services.wake();
      return reply;
    },
  };
  const reply = await command.run(ctx, args);
  // Of two deliveries at once the slower one may see what the first has done as "nothing to do": it gets the first one's answer.
  if (command.kind === 'operate' && !changed) return (await earlierReply(database.db, request.deliveryKey)) ?? reply;
  return reply;
}

async function unknownJob(services: CommandServices, command: Command, args: Args, name: string): Promise<Reply> {
  const names = nearest(name, await jobNames(services.database.db));
  if (names.length === 0)
    return new Reply(`There is no job ${name}.`, text('Nothing was done.'), actions(commandButton('List the jobs', 'list')));
  const others = command.arguments.some((a) => a.kind === 'rest')
    ? args.rest.map(quoteWord)
    : Object.entries(args.values).flatMap(([key, value]) => (key === 'job' || value === undefined ? [] : [quoteWord(value)]));
  const line = (job: string) => [command.name, job, ...others, ...optionWords(args.options)].join(' ');
  return new Reply(
    `There is no job ${name}. Did you mean ${names[0]}?`,
    text('Nothing was done.'),
    actions(...names.map((n) => commandButton(line(n).slice(0, 70), line(n)))),
  );
}

/** Said by Sluice itself of what it knows; a system that did not answer may answer the next delivery. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof Reply || (error instanceof AppError && ['bad_input', 'not_found', 'not_permitted', 'conflict'].includes(error.code))
  );
}

/** What a person is told of an error; unexpected ones are kept under their reference. */
async function explain(services: CommandServices, request: CommandRequest, error: unknown): Promise<{ message: Message; replay?: true }> {
  // Whoever waits for a store that does not answer would wait as long again.
  const isLost = error instanceof AppError && error.details['outcome'] === 'nothing';
  // Of two deliveries at once the slower one may fail on what the first has done: it gets the first one's answer.
  const replay = isLost ? undefined : await earlierReply(services.database.db, request.deliveryKey).catch(() => undefined);
  if (replay) return { message: replay, replay: true };
  if (error instanceof Missing) return { message: withPicker(request, error) };
  if (error instanceof Reply) return { message: error.reply };
  const told = errorToMessage(error);
  if (told.reference) {
    services.log.error(
      { reference: told.reference, error: error instanceof Error ? error.stack : String(error), line: request.line.split(' ')[0] },
      'command failed unexpectedly',
    );
    await reportError(services.database.db, told.reference, `command ${request.line.split(' ')[0]}`, error).catch(() => {});
  }
  if (error instanceof AppError && typeof error.details['messageId'] === 'string')
    return {
      message: await withHolder(services, told.message, error.details as { messageId: string; operationId?: unknown; since?: unknown }),
    };
  return { message: told.message };
}

/** In Slack the same line, clicked, opens the form that asks for the job; the page has its own places for that. */
function withPicker(request: CommandRequest, missing: Missing): Message {
  const { reply, argument } = missing;
  if (argument.kind !== 'job' || request.origin.kind === 'web') return reply;
  const choose = commandButton('Choose a job…', missing.line(), 'primary');
  return { ...reply, parts: reply.parts.map((part) => (part.kind === 'actions' ? actions(choose, ...part.actions) : part)) };
}

/** Adds to a refusal what it was refused for: since when that is in progress, and where to see it. */
async function withHolder(
  services: CommandServices,
  message: Message,
  details: { messageId: string; operationId?: unknown; since?: unknown },
): Promise<Message> {
  const { messageId, operationId, since } = details;
  const where = await findMessage(services.database.db, messageId).catch(() => undefined);
  const links: Action[] = where?.permalink ? [{ label: 'See it', url: where.permalink }] : [];
  if (typeof operationId === 'string') links.unshift(commandButton('Its steps', `operation ${operationId}`));
  return {
    ...message,
    parts: [
      ...message.parts,
      ...(typeof since === 'string' ? [text('Asked for at ', { time: since, style: 'time' }, '.')] : []),
      ...(links.length > 0 ? [actions(...links)] : []),
    ],
  };
}
