import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, type Ending, modal, plain, refuses, section, startHttpPractice, withButton } from '../rig.ts';

const source = 'docs.slack.dev/surfaces/modals';
interface Opened {
  id: string;
  hash: string;
}

async function opened(t: Ending, view: object = modal({ blocks: withButton('x') })) {
  const rig = await startHttpPractice(t);
  await rig.emma.types('/flink x', { channel: 'etl' });
  const trigger_id = String(rig.app.received[0]?.form.get('trigger_id'));
  const answer = await api(rig.practice, 'views.open', { trigger_id, view });
  return { ...rig, first: answer['view'] as Opened };
}

test(`views: an update with a stale hash is refused (hash_conflict; ${source}#updating_apis)`, async (t) => {
  const { practice, emma, first } = await opened(t);
  await refuses(practice, 'views.update', { view_id: first.id, hash: '1.stale', view: modal() }, 'hash_conflict');
  const fresh = await api(practice, 'views.update', { view_id: first.id, hash: first.hash, view: modal({ title: plain('Now') }) });
  assert.equal(fresh.ok, true);
  assert.equal((await emma.seesModal('Now')).title, 'Now');
  await refuses(practice, 'views.update', { view_id: first.id, hash: first.hash, view: modal() }, 'hash_conflict');
});

test('views: a Home with a stale hash is refused (hash_conflict; docs.slack.dev/reference/methods/views.publish)', async (t) => {
  const { practice } = await startHttpPractice(t);
  const view = { type: 'home', blocks: [section('x')] };
  await refuses(practice, 'views.publish', { user_id: 'U0EMMA', view, hash: '1.old' }, 'hash_conflict');
});

test(`views: a fourth modal on the stack is refused (push_limit_reached; ${source}#modal_stacks)`, async (t) => {
  const { practice, app, emma, first } = await opened(t);
  let top = first;
  for (const error of [undefined, undefined, 'push_limit_reached']) {
    const count = app.received.length;
    await emma.clicksView(top.id, 'go');
    const { trigger_id } = JSON.parse(app.received[count]?.form.get('payload') ?? '{}');
    const view = modal({ blocks: withButton('x') });
    if (error !== undefined) await refuses(practice, 'views.push', { trigger_id, view }, error);
    else top = (await api(practice, 'views.push', { trigger_id, view }))['view'] as Opened;
  }
});

test(`views: a push needs a trigger from the modal itself (${source}#push_view)`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  await refuses(practice, 'views.push', { trigger_id: app.received[0]?.form.get('trigger_id'), view: modal() }, 'not_found');
});

test(`views: a view over 250 kB is refused (view_too_large; docs.slack.dev/reference/methods/views.open)`, async (t) => {
  const { practice } = await startHttpPractice(t);
  const view = modal({ blocks: Array.from({ length: 90 }, () => section('x'.repeat(2900))) });
  await refuses(practice, 'views.open', { trigger_id: '1.2.a', view }, 'view_too_large');
});

test('views: two open views with one external_id are refused (duplicate_external_id; docs.slack.dev/reference/methods/views.open)', async (t) => {
  const { practice, app, emma } = await opened(t, modal({ external_id: 'e' }));
  await emma.types('/flink x', { channel: 'etl' });
  const trigger_id = app.received[1]?.form.get('trigger_id');
  await refuses(practice, 'views.open', { trigger_id, view: modal({ external_id: 'e' }) }, 'duplicate_external_id');
});

test(`views: another person cannot press a button in somebody's modal (${source})`, async (t) => {
  const { lena, first } = await opened(t);
  await assert.rejects(lena.clicksView(first.id, 'go'), /dialog is closed/);
});

test(`views: errors in the answer to a submission must name input blocks (${source}#displaying_errors)`, async (t) => {
  const answers = [{ response_action: 'errors', errors: { nothing: 'x' } }, { response_action: 'explode' }];
  const rig = await startHttpPractice(t, {}, (request, response) => {
    const isSubmission = request.form.get('payload')?.includes('view_submission');
    response.writeHead(200, { 'content-type': 'application/json' }).end(isSubmission ? JSON.stringify(answers.shift()) : '');
  });
  await rig.emma.types('/flink x', { channel: 'etl' });
  const input = { type: 'input', block_id: 'r', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 't' } };
  const view = modal({ submit: plain('Go'), blocks: [input] });
  await api(rig.practice, 'views.open', { trigger_id: rig.app.received[0]?.form.get('trigger_id'), view });
  for (let i = 0; i < 2; i++) {
    await rig.emma.fills({ Reason: 'x' });
    assert.equal(rig.practice.journal().at(-1)?.what, 'answer to view_submission');
    assert.equal(rig.practice.journal().at(-1)?.refused, true);
    await rig.emma.seesModal('Title');
  }
});
