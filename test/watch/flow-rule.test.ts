import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { FlowVertex, VertexFlow } from '../../src/deploy/deployer.ts';
import { readFlow, readVertices } from '../../src/deploy/kinds/vertex-flow.ts';
import { createFlinkClient, type FlinkClient } from '../../src/flink/client.ts';
import { type FlowLimits, type FlowLook, type FlowMemory, followFlow } from '../../src/watch/flow.rule.ts';
import recorded from './flow-answers.json' with { type: 'json' };

const minute = 60_000;
const t0 = Date.parse('2026-11-25T12:00:00Z');
const limits: FlowLimits = { noDataMs: 10 * minute, watermarkMs: 10 * minute, backpressureMs: 15 * minute };
const source: FlowVertex = { id: 's', name: 'Source: orders', running: true, inputs: [], counters: ['Source__orders.numRecordsOut'] };
const totals: FlowVertex = { id: 't', name: 'totals', running: true, inputs: ['s'], counters: [] };
const sink: FlowVertex = { id: 'k', name: 'Sink: lake', running: true, inputs: ['t'], counters: [] };
const none: VertexFlow = { in: undefined, out: undefined, watermark: undefined, backPressured: undefined };

type Minute = Partial<Record<'s' | 't' | 'k', Partial<VertexFlow>>>;
/** One look a minute at the three vertices. */
function follow(
  minutes: readonly Minute[],
  own: Partial<FlowLimits> = {},
  change: Partial<FlowVertex> = {},
  at: (look: number) => number = (look) => look * minute,
) {
  let memory: FlowMemory = {};
  return minutes.map((seen, i): FlowLook['facts'] => {
    const look = followFlow(
      // As the database gives it back.
      JSON.parse(JSON.stringify(memory)),
      [source, totals, sink].map((vertex) => ({ vertex: { ...vertex, ...change }, flow: { ...none, ...seen[vertex.id as 's'] } })),
      new Date(t0 + at(i)),
      { ...limits, ...own },
      minute,
    );
    memory = look.memory;
    return look.facts;
  });
}
/** Times of looks with so many minutes before each. */
const timesOf = (gaps: readonly number[]) => gaps.map((_, i) => gaps.slice(0, i + 1).reduce((a, b) => a + b, 0) * minute);
const minutes = (n: number, of: (i: number) => Minute): Minute[] => Array.from({ length: n }, (_, i) => of(i));
/** Records by the minute through all three; none is held back. */
const flowing = (i: number): Minute => ({
  s: { in: i * 600, out: i * 600, backPressured: 0 },
  t: { in: i * 600, out: i * 60, watermark: t0 + i * minute, backPressured: 0 },
  k: { in: i * 60, out: 0, watermark: t0 + i * minute, backPressured: 0 },
});
const firstLost = (facts: readonly FlowLook['facts'][], cause: keyof FlowLook['facts']) =>
  facts.findIndex((one) => one[cause].is === 'lost');

describe('data that stopped although the job runs', () => {
  it('is told when records that came all the time stop for as long as the limit, at the first vertex that has none', () => {
    const facts = follow([...minutes(20, flowing), ...minutes(15, () => flowing(19))]);
    assert.equal(firstLost(facts, 'no-data'), 29, 'ten minutes after the last one, at 12:19');
    const fact = facts[29]?.['no-data'];
    assert.deepEqual(fact, { is: 'lost', vertex: 'Source: orders', since: new Date(t0 + 19 * minute), words: 'reads no records' });
    assert.equal(facts[34]?.watermark.is, 'unknown', 'without records no watermark moves');
  });
  it('is not told of a job that never had any, nor right after the start of one that had', () => {
    const empty = { s: { in: 0, out: 0 }, t: { in: 0, out: 0 }, k: { in: 0, out: 0 } };
    assert.equal(firstLost(follow(minutes(600, () => empty)), 'no-data'), -1);
    assert.equal(
      firstLost(follow([...minutes(9, flowing), ...minutes(600, () => flowing(8))]), 'no-data'),
      -1,
      'nine minutes tell no habit',
    );
  });
  it('is not told of bursts and trickles', () => {
    assert.equal(firstLost(follow(minutes(600, (i) => flowing(Math.floor(i / 15)))), 'no-data'), -1, 'a record each 15 min');
    assert.equal(
      firstLost(follow(minutes(600, (i) => flowing(Math.floor(i / 60) * 5 + Math.min(i % 60, 5)))), 'no-data'),
      -1,
      '5 min of each hour',
    );
  });
  it('what is not told is not zero', () => {
    const facts = follow([...minutes(20, flowing), ...minutes(30, () => ({}))]);
    assert.equal(firstLost(facts, 'no-data'), -1);
    assert.deepEqual(facts[40], { 'no-data': { is: 'unknown' }, watermark: { is: 'unknown' }, backpressure: { is: 'unknown' } });
  });
  it('is over when records come at two looks in a row: one that strays in is no end', () => {
    const facts = follow([
      ...minutes(20, flowing),
      ...minutes(12, () => flowing(19)),
      ...minutes(5, () => flowing(20)),
      ...minutes(5, (i) => flowing(21 + i)),
    ]);
    assert.deepEqual(
      facts.slice(30).map((one) => one['no-data'].is),
      ['lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'well', 'well', 'well', 'well'],
    );
  });
  it('has the whole time once more after Flink restarted the job; what was lost already stays lost', () => {
    const zero = { s: { in: 0, out: 0 }, t: { in: 0, out: 0 }, k: { in: 0, out: 0 } };
    const restarted = follow([...minutes(20, flowing), ...minutes(5, () => flowing(19)), ...minutes(12, () => zero)]);
    assert.equal(firstLost(restarted, 'no-data'), 35, 'ten minutes after the restart was seen, at 12:25');
    const twice = follow([...minutes(20, flowing), ...minutes(15, () => flowing(19)), ...minutes(5, () => zero)]);
    assert.equal(twice[39]?.['no-data'].is, 'lost');
  });
  it('is no loss when a vertex has come to the end of its data', () => {
    const facts = follow([...minutes(20, flowing), ...minutes(30, () => flowing(19))], {}, { running: false });
    assert.equal(firstLost(facts, 'no-data'), -1);
  });
  it('can be turned off, and asked for sooner or later', () => {
    const stop = [...minutes(90, flowing), ...minutes(90, () => flowing(89))];
    assert.equal(firstLost(follow(stop, { noDataMs: Number.POSITIVE_INFINITY }), 'no-data'), -1);
    assert.equal(firstLost(follow(stop, { noDataMs: 3 * minute }), 'no-data'), 92);
    assert.equal(firstLost(follow(stop, { noDataMs: 60 * minute }), 'no-data'), 149);
  });
  it('a part of the job that gets none is named', () => {
    const facts = follow(
      minutes(40, (i) => ({ ...flowing(i), k: { in: Math.min(i, 19), out: 0 }, t: { in: i, out: Math.min(i, 19), watermark: t0 + i } })),
    );
    const lost = facts.find((one) => one['no-data'].is === 'lost')?.['no-data'];
    assert.deepEqual(lost?.is === 'lost' && [lost.vertex, lost.words], ['totals', 'hands on no records']);
  });
  it('never loses what moves at every look, whatever the numbers (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 40, maxLength: 80 }), (steps) => {
        let sum = 0;
        const facts = follow(
          steps.map((step) => {
            sum += step + 1;
            return { s: { in: sum, out: sum, backPressured: 0.2 }, t: { in: sum, out: sum, watermark: t0 + sum, backPressured: 0 } };
          }),
        );
        for (const one of facts) assert.ok(Object.values(one).every((fact) => fact.is !== 'lost'));
      }),
    );
  });
  it('that records had come at each of a few looks far apart is no habit (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 4, max: 90 }), { minLength: 30, maxLength: 60 }), fc.nat(29), (gaps, stop) => {
        const at = timesOf(gaps);
        const facts = follow(
          minutes(gaps.length, (i) => flowing(Math.min(i, stop))),
          {},
          {},
          (i) => at[i] ?? 0,
        );
        assert.equal(firstLost(facts, 'no-data'), -1);
      }),
    );
  });
  it('that they stopped while nobody looked is told, for they had come all the time before', () => {
    const facts = follow([...minutes(20, flowing), ...minutes(5, () => flowing(19))], {}, {}, (i) => (i < 20 ? i : i + 60) * minute);
    assert.equal(firstLost(facts, 'no-data'), 21);
  });
  it('is lost at most once between two times of steady flow (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 60, maxLength: 200 }), (moves) => {
        let n = 0;
        const facts = follow(moves.map((move) => flowing(move ? ++n : n)));
        let steady = 0;
        let longest = 0;
        facts.forEach((one, i) => {
          steady = moves[i] ? steady + 1 : moves[i - 1] ? steady : 0;
          longest = Math.max(longest, steady);
          if (one['no-data'].is === 'lost') assert.ok(longest >= 5, `lost at ${i} after at most ${longest} moves`);
        });
      }),
    );
  });
});

describe('a watermark that stands still', () => {
  it('is told while records come, with the time at which it stands, and is over when it moves', () => {
    const facts = follow(
      minutes(50, (i) => ({ ...flowing(i), t: { in: i * 600, out: i, watermark: t0 + (i > 40 ? i : Math.min(i, 20)) * minute } })),
    );
    assert.equal(firstLost(facts, 'watermark'), 30);
    const fact = facts[30]?.watermark;
    assert.deepEqual(fact?.is === 'lost' && [fact.vertex, fact.words], [
      'totals',
      'gets records, but its watermark stands at 2026-11-25 12:20:00 UTC',
    ]);
    assert.equal(facts[49]?.watermark.is, 'well');
  });
  it('what waits for it hands nothing on, and that is not told as well', () => {
    const facts = follow(
      minutes(40, (i) => ({
        ...flowing(i),
        t: { in: i * 600, out: Math.min(i, 20), watermark: t0 + Math.min(i, 20) * minute },
        k: { in: Math.min(i, 20), out: 0, watermark: t0 + Math.min(i, 20) * minute },
      })),
    );
    assert.equal(facts[35]?.watermark.is, 'lost');
    assert.equal(facts[35]?.['no-data'].is, 'unknown');
  });
  it('is not told when records come again after a pause: it could not move before; one that stands on from there is, a whole limit later', () => {
    const pause = (i: number) => (i < 20 ? i : Math.max(19, i - 20));
    const back = follow(minutes(70, (i) => flowing(pause(i))));
    assert.equal(firstLost(back, 'no-data'), 29);
    assert.equal(firstLost(back, 'watermark'), -1);
    assert.equal(back[69]?.watermark.is, 'well');
    const stands = follow(
      minutes(70, (i) => ({ ...flowing(pause(i)), t: { in: pause(i) * 600, out: 0, watermark: t0 + Math.min(i, 19) * minute } })),
    );
    assert.equal(firstLost(stands, 'watermark'), 50, 'records come again at 12:40');
  });
  it('behind one source of two that gives nothing is no problem of its own', () => {
    let memory: FlowMemory = {};
    const clicks: FlowVertex = { id: 'c', name: 'Source: clicks', running: true, inputs: [], counters: ['Source__clicks.numRecordsOut'] };
    const joined = { ...totals, inputs: ['s', 'c'] };
    for (let i = 0; i < 60; i++) {
      const dry = Math.min(i, 20);
      const seen = [
        { vertex: source, flow: { ...none, in: i, out: i } },
        { vertex: clicks, flow: { ...none, in: dry, out: dry } },
        { vertex: joined, flow: { ...none, in: i + dry, out: i, watermark: t0 + dry * minute } },
      ];
      const look = followFlow(memory, seen, new Date(t0 + i * minute), limits, minute);
      memory = look.memory;
      const { 'no-data': noData, watermark } = look.facts;
      assert.deepEqual(
        [noData.is === 'lost' && noData.vertex, watermark.is === 'lost'],
        [i < 30 ? false : 'Source: clicks', false],
        `${i}`,
      );
    }
  });
  it('is nothing to a job without event time', () => {
    assert.ok(follow(minutes(60, (i) => ({ s: { in: i, out: i }, t: { in: i, out: i } }))).every((one) => one.watermark.is === 'unknown'));
  });
});

describe('lasting backpressure', () => {
  const pressed = (i: number, share: number): Minute => ({ ...flowing(i), s: { in: i * 600, out: i * 600, backPressured: share } });
  it('is told when it is there at every look for as long as the limit, and names what does not keep up', () => {
    const facts = follow(minutes(30, (i) => pressed(i, i < 5 ? 0 : 0.97)));
    assert.equal(firstLost(facts, 'backpressure'), 20);
    const fact = facts[20]?.backpressure;
    assert.deepEqual(fact?.is === 'lost' && [fact.vertex, fact.words], [
      'Source: orders',
      'is held back 97 % of the time: totals does not keep up',
    ]);
  });
  it('is not told of peaks, of what is at half or less, nor of what is worked off after a restart', () => {
    assert.equal(firstLost(follow(minutes(100, (i) => pressed(i, i % 14 === 0 ? 0.3 : 1))), 'backpressure'), -1);
    assert.equal(firstLost(follow(minutes(100, (i) => pressed(i, 0.5))), 'backpressure'), -1);
    const restarted = follow([...minutes(12, (i) => pressed(i, 1)), ...minutes(18, (i) => pressed(i, 1))]);
    assert.equal(firstLost(restarted, 'backpressure'), 27, '15 minutes after the counts began anew, at the 13th look');
  });
  it('is not told beside data that stopped: what hangs holds back all that is before it', () => {
    const facts = follow(
      minutes(60, (i) => ({ ...flowing(Math.min(i, 20)), s: { in: Math.min(i, 20), out: Math.min(i, 20), backPressured: 1 } })),
    );
    assert.deepEqual([facts[59]?.['no-data'].is, facts[59]?.backpressure.is], ['lost', 'unknown']);
    const told = facts[59]?.['no-data'];
    assert.equal(
      told?.is === 'lost' && `${told.vertex} ${told.words}`,
      'Source: orders reads no records, held back by totals, which takes none',
    );
  });
  it('is what is told, not missing data, of a source that stands because what is behind it takes only a few', () => {
    const facts = follow(
      minutes(60, (i) => {
        const s = Math.min(i, 20);
        return {
          ...flowing(i),
          s: { in: s * 600, out: s * 600, backPressured: i < 20 ? 0 : 0.99 },
          t: { ...flowing(i).t, in: 12_000 + i },
        };
      }),
    );
    assert.equal(firstLost(facts, 'no-data'), -1);
    assert.equal(firstLost(facts, 'backpressure'), 35);
  });
  it('is told only of looks that were near enough to one another: what was between is not known (property)', () => {
    const step = fc.record({ gap: fc.integer({ min: 1, max: 9 }), share: fc.constantFrom(1, 1, 1, 1, 0.2, undefined) });
    let told = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const at = timesOf(steps.map(({ gap }) => gap));
        const facts = follow(
          steps.map(({ share }, i) => ({ s: { in: i, out: i, backPressured: share } })),
          {},
          {},
          (i) => at[i] ?? 0,
        );
        facts.forEach(({ backpressure: fact }, i) => {
          if (fact.is !== 'lost') return;
          told++;
          const since = fact.since.getTime() - t0;
          assert.ok((at[i] ?? 0) - since >= limits.backpressureMs);
          const seen = at.filter((ms, n) => n <= i && ms >= since && steps[n]?.share !== undefined);
          assert.equal(seen[0], since, 'it begins with a look');
          for (const [n, ms] of seen.entries()) assert.ok(ms - (seen[n - 1] ?? ms) <= 5 * minute, `nobody looked for long before ${ms}`);
          assert.ok(steps.every(({ share }, n) => n > i || (at[n] ?? 0) < since || share !== 0.2));
        });
      }),
      { numRuns: 200 },
    );
    assert.ok(told > 0, 'some are told');
  });
  it('what was before an outage counts for nothing; nor do two looks an hour apart', () => {
    const afterOutage = (i: number) => (i < 14 ? i : i + 60) * minute;
    const facts = follow(
      minutes(40, (i) => pressed(i, 1)),
      {},
      {},
      afterOutage,
    );
    assert.equal(firstLost(facts, 'backpressure'), 29, '15 minutes after the first look that follows it');
    assert.equal(
      firstLost(
        follow(
          minutes(20, (i) => pressed(i, 1)),
          {},
          {},
          (i) => i * 60 * minute,
        ),
        'backpressure',
      ),
      -1,
    );
  });
  it('is over at the first look without it', () => {
    const facts = follow(minutes(30, (i) => pressed(i, i < 28 ? 1 : 0)));
    assert.deepEqual(
      facts.slice(26).map((one) => one.backpressure.is),
      ['lost', 'lost', 'well', 'well'],
    );
  });
});

/** A JobManager that answers as the recorded one did. */
async function replay(t: TestContext, answer: (path: string) => unknown): Promise<FlinkClient> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(request.url ?? '')));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const client = createFlinkClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  t.after(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return client;
}
for (const [release, was] of Object.entries(recorded))
  describe(`what Flink ${release} answered`, () => {
    type LookName = keyof typeof was.looks;
    const playing = (look: LookName) => (path: string) => {
      if (!path.includes('/vertices/')) return was.job;
      const answers = path.includes(was.source) ? was.looks[look].source : was.looks[look].totals;
      const asked = new URL(path, 'http://flink').searchParams.get('get')?.split(',');
      if (!asked) return was.sourceNames;
      // As Flink: nothing at all when one of the names is not there.
      return asked.every((name) => answers.some((one) => one.id === name)) ? answers.filter((one) => asked.includes(one.id)) : [];
    };
    const at = async (t: TestContext, look: LookName) => {
      const client = await replay(t, playing(look));
      const vertices = await readVertices(client, was.job.jid);
      return Promise.all(vertices.map(async (vertex) => ({ vertex, flow: await readFlow(client, was.job.jid, vertex) })));
    };

    it('gives records, watermarks and backpressure of each vertex, sources first', async (t) => {
      const [first, second] = await at(t, 'paused1');
      assert.deepEqual(
        [first?.vertex.name, first?.vertex.running, first?.vertex.inputs, first?.vertex.counters],
        ['Source: order numbers -> throttle -> orders', true, [], ['Source__order_numbers.numRecordsOut']],
      );
      assert.deepEqual(second?.vertex.inputs, [was.source]);
      const sum = (side: 'source' | 'totals', name: string) => was.looks.paused1[side].find((one) => one.id === name)?.sum;
      assert.deepEqual(first?.flow, {
        in: sum('source', 'Source__order_numbers.numRecordsOut'),
        out: sum('source', 'numRecordsOut'),
        watermark: undefined,
        backPressured: 0,
      });
      assert.equal(second?.flow.in, sum('totals', 'numRecordsIn'));
      assert.equal(second?.flow.watermark, was.looks.paused1.totals.find((one) => one.id === 'currentInputWatermark')?.min);
    });
    it('says no watermark by a number that is none', async (t) => {
      assert.equal((await at(t, 'first'))[1]?.flow.watermark, undefined);
    });
    it('shows a source that is held back, and of jobs that ended nothing', async (t) => {
      assert.deepEqual(
        (await at(t, 'pressed')).map(({ flow }) => flow.backPressured),
        [1, 0],
      );
      const client = await replay(t, (path) => (path.includes('/vertices/') ? was.ended : was.job));
      const [vertex] = await readVertices(client, was.job.jid);
      assert.deepEqual(await readFlow(client, was.job.jid, vertex as FlowVertex), none);
    });
    it('does not answer at all when a metric is asked for that the vertex has not', () => {
      assert.deepEqual(was.missing, []);
    });
    it('is well while it flows, and lost after its pause has lasted', async (t) => {
      const [early, late] = [await at(t, 'flowing'), await at(t, 'paused2')];
      let memory: FlowMemory = {};
      const look = (seen: typeof early, min: number, scale = 1) => {
        const flow = seen.map(({ vertex, flow: f }) => ({ vertex, flow: { ...f, in: f.in && f.in * scale, out: f.out && f.out * scale } }));
        const next = followFlow(memory, flow, new Date(t0 + min * minute), limits, minute);
        memory = next.memory;
        return next.facts['no-data'];
      };
      // Its counts went on as they did in the seconds between the two recordings.
      for (let min = 0; min <= 12; min++) assert.notEqual(look(early, min, 1 + min).is, 'lost');
      for (let min = 13; min <= 22; min++) assert.notEqual(look(late, min).is, 'lost', `at ${min}`);
      assert.equal(look(late, 23).is, 'lost');
    });
  });
