import { findPerson } from '../access/people.store.ts';
import { type Person, whoMay } from '../access/policy.ts';
import { PermissionError } from '../core/errors.ts';
import type { PersonRef } from '../core/message.ts';
import type { Command, CommandServices } from './spec.ts';

/** Stored rights, minus those whom Slack calls deactivated, guests or strangers; undefined for whom Sluice does not know. */
export async function knownPerson(services: CommandServices, ref: PersonRef): Promise<Person | undefined> {
  const person = await findPerson(services.database.db, ref);
  if (!person) return undefined;
  const listed = await services.directory?.person(ref.teamId, ref.userId);
  return listed?.restricted ? { ...person, active: false } : person;
}

/** What a person is told who may use a command on no job at all. */
export function mayNotUse(person: Person | undefined, command: Command): PermissionError {
  const why = person ? `that needs ${whoMay(command.right)}` : 'Sluice does not know you';
  return new PermissionError(`You may not use ${command.name}: ${why}.`, {
    hint: 'An admin of Sluice can give you a role: they need your Slack member id, which /flink whoami shows.',
  });
}
