import type { PracticeClock } from './clock.ts';

export interface Bucket {
  /** Calls that may come at once. */
  burst: number;
  perMinute: number;
}
/** How much the workspace takes; the defaults are Slack's (slack.md 1.1), tests with volume widen them. */
export interface Limits {
  /** chat.postMessage and chat.postEphemeral, per channel: about one a second, short bursts tolerated. */
  postPerChannel: Bucket;
  /** chat.update: tier 3, a little more in practice. */
  update: Bucket;
  tier2: Bucket;
  tier3: Bucket;
  tier4: Bucket;
  /** Events API: 30,000 an hour. */
  events: Bucket;
  /** app_rate_limited, which is told once for each minute. */
  rateLimitNotices: Bucket;
}
export const realLimits: Limits = {
  postPerChannel: { burst: 5, perMinute: 60 },
  update: { burst: 20, perMinute: 60 },
  tier2: { burst: 20, perMinute: 20 },
  tier3: { burst: 50, perMinute: 50 },
  tier4: { burst: 100, perMinute: 100 },
  events: { burst: 30_000, perMinute: 500 },
  rateLimitNotices: { burst: 1, perMinute: 1 },
};

export interface Limiter {
  /** 0 when the call may pass, else the seconds after which to come again (the Retry-After header). */
  take(limit: keyof Limits, key: string): number;
}

/** Token buckets on the workspace's clock; `off` lets everything pass. */
export function createLimiter(clock: PracticeClock, limits: Partial<Limits> | 'off' = {}): Limiter {
  if (limits === 'off') return { take: () => 0 };
  const all = { ...realLimits, ...limits };
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(limit, key) {
      const { burst, perMinute } = all[limit];
      const name = `${limit} ${key}`;
      const now = clock.now();
      const bucket = buckets.get(name) ?? { tokens: burst, at: now };
      buckets.set(name, bucket);
      bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perMinute) / 60_000);
      bucket.at = now;
      if (bucket.tokens >= 1) {
        bucket.tokens--;
        return 0;
      }
      return Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / perMinute));
    },
  };
}
