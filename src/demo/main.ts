import { parseArgs } from 'node:util';
import { demoHome } from '../config/places.ts';
import { AppError, UserError } from '../core/errors.ts';
import { run } from '../core/process.ts';
import { createLog } from '../log.ts';
import { onStopSignal } from '../stop-signals.ts';
import { startDemo } from './demo.ts';

const usage = 'npm run demo -- [--flink 1.20.5[,2.3.0]] [--home DIR] [--port N] [--practice-port M] [--socket] [--no-open]';

const help = `${usage}

Everything that Sluice needs, on this machine; Ctrl-C ends all of it.

  --flink A[,B]        releases of Flink, a cluster each (1.20.5)
  --home DIR           where its data stays
  --port N             of the admin page (8095)
  --practice-port M    of the practice workspace, which stands in for Slack (8096)
  --socket             Socket Mode instead of signed HTTP between the two
  --no-open            opens no browser, and prints the addresses, and the file that makes a job fail, as one line of JSON`;

/** `npm run demo`: everything on this machine, ended by one Ctrl-C. */
async function main(): Promise<void> {
  const options = readOptions();
  const say = (line: string) => console.error(line);
  const giveUp = new AbortController();
  const starting = startDemo({ ...options, log: createLog('warn'), onProgress: say, signal: giveUp.signal });
  onStopSignal(async () => {
    say('Stopping …');
    giveUp.abort();
    // Also during the start: what it has started so far would be left behind.
    await starting.then((started) => started.stop()).catch(() => {});
    return 0;
  });
  const demo = await starting.catch((error: unknown) => {
    if (!giveUp.signal.aborted) throw error;
  });
  if (!demo || giveUp.signal.aborted) return;
  if (options.noOpen) {
    console.log(JSON.stringify({ sluice: demo.sluiceUrl, practice: demo.practiceUrl, failFile: demo.clusters[0]?.demo.failFile }));
    return;
  }
  console.log(`
Sluice is ready.

  Practice workspace (stands in for Slack)   ${demo.practiceUrl}
  Admin page (sign in with /flink web)       ${demo.sluiceUrl}

Try in the practice workspace, as emma in #etl:
  /flink build etl-orders
  /flink start etl-orders
  /flink status etl-orders

Builds run here without a sandbox: that is for this demo only. Make etl-orders fail on purpose with
  touch ${demo.clusters[0]?.demo.failFile}
Ctrl-C ends everything; your data stays in ${options.home}.
`);
  await run('xdg-open', [demo.practiceUrl], { timeoutMs: 5000 }).catch(() => {});
}

function readOptions() {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      options: {
        flink: { type: 'string', default: '1.20.5' },
        home: { type: 'string' },
        port: { type: 'string', default: '8095' },
        'practice-port': { type: 'string', default: '8096' },
        socket: { type: 'boolean', default: false },
        'no-open': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (cause) {
    throw new UserError(`The demo was given an option that it does not know.`, { cause, hint: usage });
  }
  if (values['help'] === true) {
    console.log(help);
    process.exit(0);
  }
  const port = (name: string) => {
    const n = Number(values[name]);
    if (!Number.isInteger(n) || n < 0 || n > 65_535)
      throw new UserError(`--${name} is a port from 0 to 65535, not ${String(values[name])}.`, { hint: usage });
    return n;
  };
  const flink = String(values['flink'])
    .split(',')
    .map((v) => v.trim());
  for (const version of flink)
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new UserError(`${version} is no Flink release.`, { hint: usage });
  return {
    flink,
    home: typeof values['home'] === 'string' ? values['home'] : demoHome(),
    port: port('port'),
    practicePort: port('practice-port'),
    transport: values['socket'] ? ('socket' as const) : ('http' as const),
    noOpen: values['no-open'] === true,
  };
}

main().catch((error: unknown) => {
  if (error instanceof AppError) console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else console.error(error);
  process.exit(1);
});
