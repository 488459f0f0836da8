import type { JobDefinition } from '../db/schema/index.ts';

/** At most so many of a job: more is a list that nobody reads. */
const mostTags = 20;
/** Lower-case letters, digits, dots, hyphens and underscores: a tag is typed after `tag:` in a command line. */
const tagShape = /^[a-z0-9][a-z0-9._-]{0,39}$/;

/** The tags of a job, in the order of the alphabet. */
export function tagsOf(definition: JobDefinition): readonly string[] {
  return definition.tags ?? [];
}

/** Tags as they are typed, with commas or spaces between them, `#` allowed before each: lower case, each once, sorted; or what is wrong, in a sentence. */
export function parseTags(typed: string): { tags: string[] } | { problem: string } {
  const words = typed
    .split(/[\s,]+/)
    .map((word) => word.replace(/^#/, '').toLowerCase())
    .filter(Boolean);
  const odd = words.find((word) => !tagShape.test(word));
  if (odd !== undefined)
    return {
      problem: `${odd.slice(0, 60)} is no tag: expected up to 40 lower-case letters, digits, dots, hyphens or underscores, for example nightly.`,
    };
  const tags = [...new Set(words)].sort();
  return tags.length > mostTags ? { problem: `A job has at most ${mostTags} tags, not ${tags.length}.` } : { tags };
}

/** Every tag that these jobs have, each once, sorted. */
export function tagsOfAll(jobs: readonly { current: { definition: JobDefinition } }[]): string[] {
  return [...new Set(jobs.flatMap((job) => tagsOf(job.current.definition)))].sort();
}
