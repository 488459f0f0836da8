import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { http } from '../../src/core/http.ts';
import { planArrivals } from '../../src/tools/bench/arrivals.ts';
import { createClosing } from '../../src/tools/bench/closing.ts';
import { firstAfter } from '../../src/tools/bench/engine.ts';
import { jobTimes } from '../../src/tools/bench/flink-times.ts';
import { figureNames, parseBenchOptions } from '../../src/tools/bench/options.ts';
import { parseMemory, parseStat } from '../../src/tools/bench/processes.ts';
import { type Figure, formatFigure, formatTable, replaceBlock } from '../../src/tools/bench/report.ts';
import { createFineClock, requestLine, startRequestLog } from '../../src/tools/bench/request-log.ts';
import { beyondIdle } from '../../src/tools/bench/statements.ts';
import { differences, formatMs, formatSpread, median, percentile, slopeOf } from '../../src/tools/bench/stats.ts';
import { stepTimes } from '../../src/tools/bench/step-times.ts';

describe('numbers', () => {
  test('percentiles are values of the sample, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.equal(percentile(hundred, 0.5), 50);
    assert.equal(percentile(hundred, 0.99), 99);
    assert.equal(percentile(hundred, 1), 100);
    assert.equal(percentile([7], 0.01), 7);
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });

  test('no percentile is exceeded by more than its share of the sample', () => {
    const sample = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(sample, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const value = percentile(values, share);
        assert.ok(values.includes(value));
        assert.ok(values.filter((v) => v > value).length <= values.length * (1 - share) + 1e-9);
      }),
    );
  });

  test('the median of an even number is between the two middle ones, and the order does not matter', () => {
    assert.equal(median([10, 1, 4, 2]), 3);
    assert.equal(median([3, 100, 1]), 3);
    assert.ok(Number.isNaN(median([])));
    assert.equal(slopeOf([10, 12, 14, 16]), 2);
    assert.equal(slopeOf([5, 1, 5]), 0);
    assert.equal(slopeOf([7]), 0);
  });

  test('pairs are subtracted one by one; one without a partner is left out', () => {
    assert.deepEqual(differences([5, 9, 4], [1, 10]), [4, -1]);
  });

  test('milliseconds for people', () => {
    assert.deepEqual([0.844, 12.34, 411.6, 3912, -38.04, Number.NaN].map(formatMs), [
      '0.84 ms',
      '12.3 ms',
      '412 ms',
      '3.91 s',
      '-38.0 ms',
      '-',
    ]);
    assert.equal(formatSpread([3, 1, 2]), '2.00 ms (1.00 ms to 3.00 ms)');
    assert.equal(formatSpread([]), '-');
  });
});

describe('the command line', () => {
  test('nothing named: everything, at the counts of the issue', () => {
    const { figures, write, rate, seconds, pairs, starts, boots } = parseBenchOptions([]);
    assert.deepEqual(
      { figures, write, rate, seconds, pairs, starts, boots },
      { figures: figureNames, write: false, rate: 20, seconds: 60, pairs: 10, starts: 50, boots: 5 },
    );
  });

  test('named ones are measured in the usual order', () => {
    const options = parseBenchOptions(['boot', 'ack', '--write', '--seconds', '5']);
    assert.deepEqual(options.figures, ['ack', 'boot']);
    assert.equal(options.write, true);
    assert.equal(options.seconds, 5);
  });

  test('what makes no sense is refused, with the usage', () => {
    for (const args of [['speed'], ['--fast'], ['--pairs', '0'], ['--pairs', '1.5'], ['--rate', 'x'], ['--flink', 'new']])
      assert.throws(
        () => parseBenchOptions(args),
        (error) => error instanceof UserError && /npm run bench/.test(error.hint ?? ''),
        args.join(' '),
      );
  });
});

describe('the open loop', () => {
  const plan = { ratePerS: 20, seconds: 60, sliceSeconds: 10, warmUpSeconds: 5, sides: 2 };

  test('each side gets its rate for its seconds, in turns', () => {
    const arrivals = planArrivals(plan);
    for (const side of [0, 1]) {
      assert.equal(arrivals.filter((a) => a.side === side && a.slice >= 0).length, 1200);
      assert.equal(arrivals.filter((a) => a.side === side && a.slice < 0).length, 100);
    }
    const turns = arrivals.filter((a, i) => i === 0 || a.side !== arrivals[i - 1]?.side).map((a) => 'AB'[a.side]);
    assert.equal(turns.join(''), 'ABABABABABABAB');
  });

  test('the times are fixed beforehand, one interval apart without a gap', () => {
    const times = planArrivals(plan).map((a) => a.atMs);
    assert.deepEqual(
      times,
      times.map((_, i) => i * 50),
    );
  });

  test('a last slice may be shorter', () => {
    const arrivals = planArrivals({ ...plan, seconds: 13, warmUpSeconds: 0 });
    assert.deepEqual(
      [0, 1].map((slice) => arrivals.filter((a) => a.side === 0 && a.slice === slice).length),
      [200, 60],
    );
  });
});

describe("Flink's record of a job", () => {
  const job = {
    timestamps: { CREATED: 1000, RUNNING: 1100, FINISHED: 0 },
    vertices: [
      { id: 'a', parallelism: 2, 'start-time': 1150 },
      { id: 'b', parallelism: 1, 'start-time': 1160 },
    ],
  };
  const tasks = (...running: number[]) => ({ subtasks: running.map((RUNNING) => ({ timestamps: { CREATED: 1000, RUNNING } })) });

  test('every task runs when the last one does', () => {
    assert.deepEqual(jobTimes(job, [tasks(1200, 1300), tasks(1250)]), {
      createdAt: 1000,
      deployedAt: 1160,
      runningAt: 1300,
      finishedAt: undefined,
    });
  });

  test('one task that has not begun, or is not listed: not every task runs', () => {
    assert.equal(jobTimes(job, [tasks(1200, 0), tasks(1250)]).runningAt, undefined);
    assert.equal(jobTimes(job, [tasks(1200), tasks(1250)]).runningAt, undefined);
    assert.equal(jobTimes(job, []).runningAt, undefined);
    assert.equal(jobTimes({ ...job, vertices: [] }, []).runningAt, undefined);
  });

  test('a vertex that was never deployed has no time, not the time -1', () => {
    const waiting = { ...job, vertices: [...job.vertices, { id: 'c', parallelism: 1, 'start-time': -1 }] };
    assert.equal(jobTimes(waiting, []).deployedAt, undefined);
    assert.equal(jobTimes({ ...job, timestamps: { FINISHED: 5000 } }, []).finishedAt, 5000);
  });
});

test('the parts of an operation add up to the whole of it', () => {
  const at = (ms: number) => new Date(ms);
  const parts = stepTimes({ createdAt: at(0), startedAt: at(10), finishedAt: at(500) }, [
    { name: 'plan', state: 'done', startedAt: at(25), doneAt: at(45) },
    { name: 'build', state: 'skipped', startedAt: at(46), doneAt: at(46) },
    { name: 'submit', state: 'done', startedAt: at(50), doneAt: at(480) },
  ]);
  assert.deepEqual(parts, [
    { name: 'accepted, until claimed', ms: 10 },
    { name: 'before plan', ms: 15 },
    { name: 'plan', ms: 20 },
    { name: 'before submit', ms: 5 },
    { name: 'submit', ms: 430 },
    { name: 'end recorded', ms: 20 },
  ]);
  assert.equal(
    parts.reduce((sum, part) => sum + part.ms, 0),
    500,
  );
});

describe('accept to first effect', () => {
  test('only what came after the acceptance counts, and looking is no change', () => {
    const seen = [
      { at: 90, method: 'POST', path: '/jars/upload' },
      { at: 112.5, method: 'GET', path: '/config' },
      { at: 118, method: 'GET', path: '/overview' },
      { at: 140, method: 'POST', path: '/jars/a/run' },
    ];
    assert.deepEqual(firstAfter(seen, 100), { firstRequestMs: 12.5, firstChangeMs: 40 });
    assert.deepEqual(firstAfter(seen, 130), { firstRequestMs: 10, firstChangeMs: 10 });
    assert.deepEqual(firstAfter(seen, 150), { firstRequestMs: Number.NaN, firstChangeMs: Number.NaN });
  });

  test('a request is told from the rest of a body', () => {
    assert.deepEqual(requestLine('POST /jars/a_b.jar/run HTTP/1.1\r\nhost: x\r\n'), { method: 'POST', path: '/jars/a_b.jar/run' });
    assert.equal(requestLine('a GET /jobs HTTP/1.1 in a jar'), undefined);
  });

  test('requests are noted with their time, and their bytes go through', async (t) => {
    const server = createServer((request, response) => request.pipe(response));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const closing = createClosing((error) => assert.fail(String(error)));
    t.after(async () => {
      await closing.all();
      server.close();
    });
    const clock = createFineClock();
    const log = await startRequestLog(closing, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, clock);
    const before = clock();
    const body = 'GET /jobs HTTP/1.1 '.repeat(20_000);
    assert.equal((await http(`${log.url}/echo`, { method: 'POST', body })).body, body);
    const [request, ...more] = log.seen;
    assert.deepEqual([request?.method, request?.path, more.length], ['POST', '/echo', 0]);
    assert.ok(request && request.at >= before && request.at <= clock());
    assert.ok(Math.abs(clock() - Date.now()) < 50);
  });

  test('what the database is asked anyway is taken off', () => {
    const at = (statements: number, commits: number, ms: number) => ({ statements, commits, ms });
    const cost = beyondIdle(at(100, 10, 50), at(190, 22, 80), 2000, at(0.005, 0.001, 0.0025));
    assert.deepEqual(cost, at(80, 10, 25));
  });
});

test('memory is read from the texts of /proc', () => {
  const status = 'VmPeak:\t  999999 kB\nVmRSS:\t  184320 kB\nRssAnon:\t    1 kB\n';
  assert.deepEqual(parseMemory(status, 'Rss:  9 kB\nPss:     126976 kB\nPss_Anon:  1 kB\n'), {
    resident: 180 * 1024 ** 2,
    proportional: 124 * 1024 ** 2,
  });
  assert.equal(parseMemory(status, undefined).proportional, undefined);
});

test('parent and processor time are read behind a name that holds anything', () => {
  const fields = Array.from({ length: 50 }, (_, i) => String(i + 3));
  fields[0] = 'S';
  fields[1] = '77';
  fields[11] = '150';
  fields[12] = '50';
  // Of children that are over.
  fields[13] = '20';
  fields[14] = '30';
  assert.deepEqual(parseStat(`42 (a ) b) ${fields.join(' ')}\n`), { parent: 77, cpuMs: 2500 });
});

describe('the report', () => {
  const figure: Figure = {
    name: 'boot',
    title: 'Boot',
    how: 'By a watch.',
    tables: [{ head: ['a', 'b'], rows: [['1', 'two | three']] }],
    aims: [
      { text: 'Was late.', met: false },
      { text: 'Was small.', met: true },
    ],
    notes: ['A note.'],
    facts: { Date: 'today', Node: '24' },
  };

  test('a table lines up, and a bar in a cell does not end it', () => {
    assert.equal(formatTable(figure.tables[0]!), '| a   | b            |\n| --- | ------------ |\n| 1   | two \\| three |');
  });

  test('what fell short stands apart from what was reached, with how and on what', () => {
    const text = formatFigure(figure);
    assert.match(text, /\*\*Fell short:\*\* Was late\.\n/);
    assert.match(text, /Reached: Was small\./);
    assert.match(text, /- A note\.\n\nHow: By a watch\.\n\nOn: Date today; Node 24\.$/);
    assert.doesNotMatch(formatFigure({ ...figure, aims: [] }), /Fell short|Reached/);
  });

  test('writing replaces one figure, and writing again gives the same document', () => {
    const before =
      'Head\n<!-- bench:ack -->\nold\n<!-- bench:ack end -->\nbetween\n<!-- bench:boot -->\nkept\n<!-- bench:boot end -->\nfoot\n';
    const once = replaceBlock(before, 'ack', 'new $& text');
    assert.equal(
      once,
      'Head\n<!-- bench:ack -->\n\nnew $& text\n\n<!-- bench:ack end -->\nbetween\n<!-- bench:boot -->\nkept\n<!-- bench:boot end -->\nfoot\n',
    );
    assert.equal(replaceBlock(once, 'ack', 'new $& text'), once);
  });

  test('a document without the place, or with two of it, is left alone', () => {
    const place = '<!-- bench:ack -->\n<!-- bench:ack end -->\n';
    for (const document of ['', '<!-- bench:ack -->', '<!-- bench:ack end -->', place + place])
      assert.throws(() => replaceBlock(document, 'ack', 'x'), UserError);
  });

  test('docs/performance.md has a place for each figure', async () => {
    const document = await readFile(join(import.meta.dirname, '../../docs/performance.md'), 'utf8');
    for (const name of figureNames) assert.match(replaceBlock(document, name, 'measured'), /measured/);
  });
});

test('what was opened last is closed first, each once, and a failure keeps nothing open', async () => {
  const closed: string[] = [];
  const failures: unknown[] = [];
  const closing = createClosing((error) => failures.push(error));
  closing.add(async () => closed.push('first'));
  closing.add(() => Promise.reject(new Error('stuck')));
  closing.add(async () => closed.push('last'));
  await Promise.all([closing.all(), closing.all()]);
  assert.deepEqual(closed, ['last', 'first']);
  assert.equal(failures.length, 1);
});
