import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { connectEmbedded } from '../db/embedded.ts';
import { measureAck } from './bench/ack.ts';
import { measureBoot } from './bench/boot.ts';
import { type Closing, createClosing } from './bench/closing.ts';
import { converse } from './bench/conversation.ts';
import { measureEngine } from './bench/engine.ts';
import { machineFacts, postgresVersion } from './bench/machine.ts';
import { measureMemory } from './bench/memory.ts';
import { type BenchOptions, type FigureName, parseBenchOptions } from './bench/options.ts';
import { type Figure, formatFigure, replaceBlock } from './bench/report.ts';
import { type Flink, projectRoot, startFlink, startSlack, temporaryFolder } from './bench/rig.ts';
import { applyObjects, embeddedPid, install, openRecords, startSluice } from './bench/sluice.ts';
import { measureStart } from './bench/start.ts';
import { measureHour } from './bench/watch/hour.ts';
import { measureWatch } from './bench/watch.ts';

const say = (line: string) => console.error(line);
const notClosed = (error: unknown) => say(`Not closed: ${String(error)}`);

/** `npm run bench [-- ack start engine memory boot watch hour] [--write]`: measures on real parts and prints; --write puts the figures into docs/performance.md. */
async function main(): Promise<void> {
  const options = parseBenchOptions(process.argv.slice(2));
  const everything = createClosing(notClosed);
  const interrupt = () => void everything.all().finally(() => process.exit(130));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const machine = await machineFacts(new Date());
    const print = async (figure: Figure) => {
      console.log(`\n## ${figure.title}\n\n${formatFigure(figure)}\n`);
      if (options.write) await writeFigure(figure);
    };
    const onFlink = options.figures.filter((name) => !['boot', 'watch', 'hour'].includes(name));
    if (onFlink.length > 0)
      await within(everything, async (closing) => {
        const flink = await startFlink(closing, options.flink, say);
        for (const name of onFlink) await print(await within(everything, (own) => measureOnFlink(own, name, flink, options, machine)));
      });
    // Without a cluster beside it, which would only take time from the start.
    if (options.figures.includes('boot'))
      await print({ ...(await within(everything, async (own) => measureBoot(own, await startSlack(own), options, say))), facts: machine });
    if (options.figures.includes('watch'))
      await print({ ...(await within(everything, async (own) => measureWatch(own, options, say))), facts: machine });
    if (options.figures.includes('hour'))
      await print({ ...(await within(everything, async (own) => measureHour(own, options.minutes, say))), facts: machine });
  } finally {
    await everything.all();
  }
}

/** Closes what a part opened as soon as the part is over; an interrupt closes it too. */
async function within<T>(everything: Closing, part: (closing: Closing) => Promise<T>): Promise<T> {
  const closing = createClosing(notClosed);
  everything.add(() => closing.all());
  try {
    return await part(closing);
  } finally {
    await closing.all();
  }
}

/** One figure on a Sluice and a workspace of its own. */
async function measureOnFlink(
  closing: Closing,
  name: FigureName,
  flink: Flink,
  options: BenchOptions,
  machine: Readonly<Record<string, string>>,
): Promise<Figure> {
  const slack = await startSlack(closing);
  if (name === 'engine') {
    const figure = await measureEngine(closing, slack, flink, options, say);
    return { ...figure, facts: { ...machine, Flink: flink.version, ...figure.facts } };
  }
  const dir = await temporaryFolder(closing);
  const installation = await install(slack, dir);
  const daemon = await startSluice(closing, installation);
  await applyObjects(installation, join(dir, 'objects'), flink);
  const postgres = await postgresVersion(await connectEmbedded({ dataDir: installation.dataDir }));
  const facts = { ...machine, Flink: flink.version, PostgreSQL: postgres };
  const postgresPid = await embeddedPid(installation);
  const talk = converse(slack);
  if (name === 'ack')
    return { ...(await measureAck(closing, slack, { url: installation.url, pid: daemon.pid, postgresPid }, talk, options)), facts };
  if (name === 'memory') return { ...(await measureMemory(daemon.pid, postgresPid, talk, say)), facts };
  const records = await openRecords(closing, installation);
  return { ...(await measureStart(flink, talk, records, options, say)), facts };
}

async function writeFigure(figure: Figure): Promise<void> {
  const file = join(projectRoot, 'docs/performance.md');
  await writeFile(file, replaceBlock(await readFile(file, 'utf8'), figure.name, formatFigure(figure)));
  say(`${figure.title}: written to docs/performance.md`);
}

main().catch((error: unknown) => {
  if (error instanceof AppError) console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else console.error(error);
  process.exitCode = 1;
});
