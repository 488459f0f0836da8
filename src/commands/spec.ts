import type { Directory } from '../access/directory.ts';
import type { Person, Right } from '../access/policy.ts';
import type { DiskGuard } from '../core/disk.ts';
import type { Action, Message, Part } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { OperationKind, Services } from '../operations/types.ts';
import type { CommandRequest } from './request.ts';

export interface ArgumentSpec {
  name: string;
  summary: string;
  required: boolean;
  /** `job`: the name of a job, implied by the thread where there is one. */
  kind: 'job' | 'text' | 'rest';
}
export interface OptionSpec {
  summary: string;
  /** How the value is shown in usages; absent for switches. */
  value?: string;
  /** In a form that asks for the job: `restore-point` is chosen from those of the job, `text` typed, unless it was given or one of `instead` was. */
  form?: { ask: 'restore-point' | 'text'; label: string; instead?: readonly string[] };
}

/** What commands may use beside the operations' services. */
export interface CommandServices extends Services {
  kinds: readonly OperationKind[];
  directory: Directory | undefined;
  defaultChannel: string | undefined;
  alertChannel: string | undefined;
  /** Channels beside Slack. */
  channels?: { list(): { name: string; kind: string }[]; test(name: string): Promise<{ reply: Message }> } | undefined;
  /** Refuses new work while a disk is full. */
  disk?: Pick<DiskGuard, 'check'> | undefined;
  /** Tells the engine and the outbox that there is something to do. */
  wake(): void;
}

export interface CommandContext {
  services: CommandServices;
  request: CommandRequest;
  /** Undefined: Sluice does not know this person. */
  person: Person | undefined;
  now: Date;
  /** The commands there are, for help. */
  commands: readonly Command[];
  /** The job of that name, after checking that the person may do this to it. @throws Reply, PermissionError */
  job(name: string, right?: Right): Promise<Job>;
  /** Whether a right is `yes`, `asks` or `no` on a job. */
  verdict(right: Right, job: Job): 'yes' | 'asks' | 'no';
  /** The person, known to be known. */
  me(): Person;
  /** The one place where a command changes anything: at most once per request, its reply kept for replays. */
  effect(change: (tx: Tx) => Promise<Message>): Promise<Message>;
}
export interface Args {
  /** The words of a `rest` argument, quotes removed. */
  rest: readonly string[];
  /** By the names of the spec. */
  values: Readonly<Record<string, string | undefined>>;
  options: Readonly<Record<string, string | boolean | undefined>>;
}

/** A command is data and one function; help, did-you-mean, docs, forms and buttons derive from it. */
export interface Command {
  name: string;
  aliases?: readonly string[];
  summary: string;
  /** Longer words for `/flink help <verb>`. */
  details?: string;
  examples: readonly string[];
  arguments: readonly ArgumentSpec[];
  options: Readonly<Record<string, OptionSpec>>;
  kind: 'read' | 'operate';
  right: Right;
  /** Who may, where the right alone does not tell. */
  who?: string;
  /** Lets a cluster do something: refused for jobs of a cluster that is only observed. */
  acts?: true;
  /** Asks Flink: answered after the acknowledgement, `always` or only when Flink takes its time. */
  slow?: 'always' | 'maybe';
  /** Not shown in help: only buttons use it. */
  hidden?: true;
  run(ctx: CommandContext, args: Args): Promise<Message>;
}

/** Declares a command. */
export function defineCommand(command: Command): Command {
  return command;
}

/** An answer that ends a command early and may carry buttons ("did you mean"). */
export class Reply extends Error {
  readonly reply: Message;
  constructor(title: string, ...parts: Part[]) {
    super(title);
    this.reply = { tone: 'warn', title, parts };
  }
}

/** `start <job> [--build] [--version <vN>]` */
export function usageOf(command: Command): string {
  const args = command.arguments.map((a) => `${a.required ? `<${a.name}>` : `[${a.name}]`}${a.kind === 'rest' ? '...' : ''}`);
  const options = Object.entries(command.options).map(([name, o]) => `[--${name}${o.value ? ` <${o.value}>` : ''}]`);
  return [command.name, ...args, ...options].join(' ');
}

/** A button that types a command. */
export function commandButton(label: string, command: string, style?: Action['style']): Action {
  return style ? { label, command, style } : { label, command };
}
