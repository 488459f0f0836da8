import { acknowledge } from './acknowledge.ts';
import { approve } from './approve.ts';
import { build } from './build.ts';
import { cancel } from './cancel.ts';
import { channel } from './channel.ts';
import { diff } from './diff.ts';
import { digest } from './digest.ts';
import { help } from './help.ts';
import { history } from './history.ts';
import { home } from './home.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { operation } from './operation.ts';
import { operations } from './operations.ts';
import { pin } from './pin.ts';
import { reject } from './reject.ts';
import { restart } from './restart.ts';
import { restore } from './restore.ts';
import { resumeAll } from './resume-all.ts';
import { retry } from './retry.ts';
import { review } from './review.ts';
import { savepoint } from './savepoint.ts';
import { set } from './set.ts';
import { silence } from './silence.ts';
import { silences } from './silences.ts';
import type { Command } from './spec.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { stop } from './stop.ts';
import { unacknowledge } from './unacknowledge.ts';
import { unpin } from './unpin.ts';
import { unsilence } from './unsilence.ts';
import { use } from './use.ts';
import { versions } from './versions.ts';
import { web } from './web.ts';
import { whoami } from './whoami.ts';

/** Every command there is, in the order of docs/commands.md. */
export const commands: readonly Command[] = [
  help,
  list,
  status,
  build,
  start,
  stop,
  restart,
  savepoint,
  pin,
  unpin,
  restore,
  approve,
  reject,
  cancel,
  retry,
  operations,
  operation,
  logs,
  versions,
  diff,
  set,
  use,
  history,
  digest,
  acknowledge,
  unacknowledge,
  silence,
  unsilence,
  silences,
  resumeAll,
  channel,
  web,
  whoami,
  review,
  home,
];
