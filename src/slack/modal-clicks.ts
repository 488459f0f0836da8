const keptAtMost = 1_000;

/** Keeps the response address of what opened a form, by the name that the form carries; the oldest are forgotten. */
export function rememberClick(clicks: Map<string, string>, key: string, responseUrl: string | undefined): void {
  if (responseUrl) clicks.set(key, responseUrl);
  if (clicks.size > keptAtMost) for (const oldest of clicks.keys()) return void clicks.delete(oldest);
}
