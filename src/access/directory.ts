/** What Slack knows of people; declared here, answered by the Slack adapter, wired by the roof. */
export interface Directory {
  /** Facts of a person, undefined when they cannot be read (then only stored facts count). */
  person(teamId: string, userId: string): Promise<DirectoryPerson | undefined>;
  /** User ids of a Slack user group, undefined when it cannot be read. */
  groupMembers(groupId: string): Promise<string[] | undefined>;
}
export interface DirectoryPerson {
  name: string;
  /** Deactivated, a guest or a person of another workspace: may do nothing. */
  restricted: boolean;
}
