import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConflictError, UnreachableError } from '../../src/core/errors.ts';
import { classifyFlinkError } from '../../src/flink/errors.ts';
import { answerOf } from '../../src/operations/answer-of.ts';

const flink = (status: number, text: string) => classifyFlinkError(status, JSON.stringify({ errors: ['Internal server error.', text] }));
const inMain = 'org.apache.flink.client.program.ProgramInvocationException: The main method caused an error: ';

describe('what an answer of Flink says of what was done', () => {
  for (const [what, error, answer] of [
    ['a refused connection: nothing', new UnreachableError('x', { details: { refused: true, sent: false } }), 'nothing-sent'],
    ['silence: not known', new UnreachableError('x', { details: { refused: false, sent: true } }), 'no-answer'],
    [
      'no leader: nothing, yet',
      flink(503, 'Service temporarily unavailable due to an ongoing leader election. Please refresh.'),
      'nothing-sent',
    ],
    [
      'a submission that ran into the time limit of the Dispatcher: not known',
      flink(
        500,
        `${inMain}java.util.concurrent.TimeoutException: Invocation of [RemoteRpcInvocation(DispatcherGateway.submitJob(JobGraph, Time))] at recipient [pekko.tcp://flink@jm:6123/user/rpc/dispatcher_1] timed out. This is usually caused by: 1) Pekko failed sending the message`,
      ),
      'doubtful',
    ],
    [
      'a cancel that ran out of time: not known',
      flink(500, 'org.apache.flink.runtime.rest.handler.RestHandlerException: Job cancellation timed out.'),
      'doubtful',
    ],
    ['an error of Flink itself that nobody knows: not known', flink(500, 'java.lang.IllegalStateException: what happened'), 'doubtful'],
    ['the same as a refusal of the request: a no', flink(400, 'java.lang.IllegalStateException: what happened'), 'refused'],
    [
      'a main method that ran into a limit of its own: a no',
      flink(500, `${inMain}org.apache.kafka.common.errors.TimeoutException: no brokers`),
      'refused',
    ],
    ['what Sluice itself refuses: a no', new ConflictError('busy'), 'refused'],
    ['a fault of Sluice', new TypeError('x'), 'fault'],
  ] as const)
    it(what, () => assert.equal(answerOf(error), answer));
});
