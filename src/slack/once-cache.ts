/**
 * Remembers what was done under a key, so that doing it again gives the first result without a second effect. Those who ask while the
 * first is under way wait for it. Holds results for `ttlMs` and at most `limit` of them, the oldest forgotten first.
 */
export class OnceCache<T> {
  private readonly ttlMs: number;
  private readonly limit: number;
  private readonly now: () => number;
  private readonly entries = new Map<string, { at: number; result: Promise<T> }>();
  constructor(options: { ttlMs: number; limit: number; now?: () => number }) {
    this.ttlMs = options.ttlMs;
    this.limit = options.limit;
    this.now = options.now ?? Date.now;
  }

  /** Runs `work` if nothing was done under this key lately; `first` tells which. A failure is remembered like a result. */
  run(key: string, work: () => Promise<T>): { first: boolean; result: Promise<T> } {
    this.forgetOld();
    const known = this.entries.get(key);
    if (known) return { first: false, result: known.result };
    const result = work();
    result.catch(() => undefined);
    this.entries.set(key, { at: this.now(), result });
    return { first: true, result };
  }

  private forgetOld(): void {
    const oldest = this.now() - this.ttlMs;
    for (const [key, entry] of this.entries) {
      if (entry.at >= oldest && this.entries.size < this.limit) return;
      this.entries.delete(key);
    }
  }
}
