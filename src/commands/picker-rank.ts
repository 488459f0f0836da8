/** What a list of choices is ordered by. */
export interface Candidate {
  name: string;
  /** When the person last used it, in ms; undefined: never. */
  usedAtMs?: number | undefined;
  /** Of one of the person's own teams. */
  own: boolean;
}

/**
 * The candidates that match what was typed, best first: the same name, names that begin with it, a word that does, names that contain it, names
 * that contain all its words; among equals what the person used last, then their own teams' ones, then by name. Nothing typed matches all.
 */
export function rank<T extends Candidate>(candidates: readonly T[], typed: string): T[] {
  const wanted = typed.trim().toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, fit: fitOf(candidate.name.toLowerCase(), wanted) }))
    .filter(({ fit }) => fit !== undefined)
    .sort(
      (a, b) =>
        (a.fit ?? 0) - (b.fit ?? 0) ||
        (b.candidate.usedAtMs ?? 0) - (a.candidate.usedAtMs ?? 0) ||
        Number(b.candidate.own) - Number(a.candidate.own) ||
        (a.candidate.name < b.candidate.name ? -1 : Number(a.candidate.name > b.candidate.name)),
    )
    .map(({ candidate }) => candidate);
}
/** How well a name fits, 0 best; undefined: not at all. */
function fitOf(name: string, wanted: string): number | undefined {
  if (wanted === '') return 0;
  if (name === wanted) return 0;
  if (name.startsWith(wanted)) return 1;
  const at = name.indexOf(wanted);
  if (at > 0) return name.split(/[-_. ]/).some((word) => word.startsWith(wanted)) ? 2 : 3;
  return hasWords(name, wanted) ? 4 : undefined;
}

/** Whether a text contains every word of what was typed; both in lower case. */
export function hasWords(text: string, wanted: string): boolean {
  return wanted.split(/\s+/).every((word) => text.includes(word));
}
