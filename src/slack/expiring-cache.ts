/** Remembers answers for a while; those who ask at the same time share one question. Failures (undefined) are not remembered. */
export class ExpiringCache<T> {
  private readonly ttlMs: number;
  private readonly limit: number;
  private readonly now: () => number;
  private readonly entries = new Map<string, { until: number; value: Promise<T | undefined> }>();
  constructor(options: { ttlMs: number; limit?: number; now?: () => number }) {
    this.ttlMs = options.ttlMs;
    this.limit = options.limit ?? 10_000;
    this.now = options.now ?? Date.now;
  }

  /** The remembered answer, else what `load` says; `load` must not reject. */
  async get(key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.entries.get(key);
    if (known && known.until > this.now()) return known.value;
    const entry = { until: this.now() + this.ttlMs, value: load() };
    this.entries.delete(key);
    this.entries.set(key, entry);
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.limit) break;
      this.entries.delete(oldest);
    }
    const value = await entry.value;
    if (value === undefined && this.entries.get(key) === entry) this.entries.delete(key);
    return value;
  }

  forget(key: string): void {
    this.entries.delete(key);
  }
}
