import type { DeployTarget } from '../deployer.ts';
import type { ApplicationFilter } from './application.ts';

/** What a registration of a YARN says, from `url` and the options of the cluster (lists are stored as one text, a line each). */
export interface YarnOptions {
  /** Every ResourceManager. */
  urls: string[];
  /** Of a web proxy that is a server of its own, or another way to it; without the application. */
  proxyUrl: string | undefined;
  filter: ApplicationFilter;
}
export function yarnOptions(target: Pick<DeployTarget, 'url' | 'options'>): YarnOptions {
  const list = (name: string) => (target.options[name] ?? '').split('\n').filter((line) => line !== '');
  return {
    urls: [target.url, ...list('otherUrls')],
    proxyUrl: target.options['proxyUrl']?.replace(/\/+$/, ''),
    filter: { users: list('users'), queues: list('queues'), names: list('applications') },
  };
}
