import type { App, BlockAction, ButtonAction } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import type { CommandReply } from '../commands/request.ts';
import { context, message, text } from '../core/message.ts';
import { type ActionValue, decodeAction } from './action-value.ts';
import { linkActionPrefix } from './buttons.ts';
import { publishHome } from './home.ts';
import { ackWithinMs, arrival, ask, type ListenerContext, sendReply, within } from './listener-context.ts';
import { type AskOrigin, askCallbackId, askModal, type FormState, jobActionId, lineOfForm } from './modal.ts';
import { rememberClick } from './modal-clicks.ts';
import { refusedModal, type SubmittedView } from './modal-refused.ts';
import { jobChosen, openPicker } from './picker.ts';
import { chosenJob, lineOfPicker, pickerCallbackId, pickerModal, pickerState } from './picker-modal.ts';
import type { ReplyPlace } from './replies.ts';

/** Clicks on buttons, and the forms that some of them open. A click is always answered. */
export function onAction(app: App, ctx: ListenerContext): void {
  app.action(/[\s\S]*/, async ({ action, body, ack, context: bolt }) => {
    const since = arrival(bolt);
    if (body.type === 'block_actions' && 'action_id' in action && action.type === 'button' && !opensLink(action)) {
      await soon(click(ctx, body, action), since);
    }
    if (body.type === 'block_actions' && 'action_id' in action && action.action_id === jobActionId && body.view)
      await soon(jobChosen(ctx, body.view as SubmittedView), since);
    await ack();
    ctx.acknowledged(Date.now() - since);
  });

  app.view({ callback_id: /[\s\S]*/, type: 'view_submission' }, async ({ body, view, ack, context: bolt }) => {
    const since = arrival(bolt);
    const done = async (answer?: { response_action: 'update'; view: ModalView }) => {
      await (answer ? ack(answer) : ack());
      ctx.acknowledged(Date.now() - since);
    };
    const teamId = body.user.team_id ?? body.team?.id ?? '';
    const form = formOf(ctx, view as SubmittedView);
    if (!form) {
      await done();
      await ctx.replies.send({ userId: body.user.id }, stale());
      return;
    }
    if ('again' in form) {
      await done({ response_action: 'update', view: form.again });
      return;
    }
    const { channel, threadTs, messageTs, click: key } = form.origin;
    const { first, result } = ask(ctx, {
      line: form.line,
      person: { teamId, userId: body.user.id, name: body.user.name },
      origin: {
        // A form that a typed command opened stands for the whole of it.
        kind: view.callback_id === pickerCallbackId && !messageTs ? 'typed' : 'button',
        ...(channel ? { channel } : {}),
        ...(threadTs ? { threadTs } : {}),
        ...(messageTs ? { messageTs } : {}),
      },
      deliveryKey: `view:${view.id}:${view.hash}`,
    });
    const place: ReplyPlace = { userId: body.user.id, channel, threadTs, responseUrl: ctx.clicks.get(key) };
    // The form waits for the verdict as long as Slack does. What was refused is said in the form, where it can be mended.
    const reply = await within(result, ackWithinMs - (Date.now() - since));
    if (reply?.refused) {
      await done({ response_action: 'update', view: refusedModal(view as SubmittedView, reply.message) });
      return;
    }
    if (first)
      ctx.background(result.then((late) => sendReply(ctx, place, late.refused ? withTyped(late, view.state.values as FormState) : late)));
    await done();
  });
}

/** Waits for the work, but not beyond what is left of Slack's patience. */
async function soon(work: Promise<unknown>, since: number): Promise<void> {
  await within(work, ackWithinMs - (Date.now() - since));
}
/** What a submitted form says: a command line, or that something is to be asked first; undefined if it was not made here. */
function formOf(ctx: ListenerContext, view: SubmittedView): { line: string; origin: AskOrigin } | { again: ModalView } | undefined {
  const { values } = view.state;
  if (view.callback_id === askCallbackId) return lineOfForm(view.private_metadata, values);
  const state = view.callback_id === pickerCallbackId ? pickerState(view.private_metadata) : undefined;
  const question = state && ctx.pickers?.question(state.line);
  if (!question) return undefined;
  const line = lineOfPicker(question, values);
  if (line !== undefined) return { line, origin: state.origin };
  return { again: pickerModal(question, { ...state, job: chosenJob(question, values) }, values) };
}
/** The form is closed by now: what was typed must not be lost with it. */
function withTyped(reply: CommandReply, values: FormState): CommandReply {
  const typed = Object.values(values)
    .flatMap((block) => Object.values(block))
    .find((input) => input.value)?.value;
  if (!typed) return reply;
  return { message: { ...reply.message, parts: [...reply.message.parts, context('You had typed: ', { code: typed })] } };
}
function opensLink(action: { action_id: string; url?: string | undefined; value?: string | undefined }): boolean {
  return action.action_id.startsWith(linkActionPrefix) || (action.url !== undefined && action.value === undefined);
}

/** Resolves once the command has accepted or refused; the answer is sent beside it. Never rejects. */
async function click(
  ctx: ListenerContext,
  body: BlockAction,
  action: Pick<ButtonAction, 'action_id' | 'action_ts' | 'text'> & { value?: string | undefined },
): Promise<void> {
  const teamId = body.user.team_id ?? body.team?.id ?? '';
  const channel = body.channel?.id ?? stringOf(body.container['channel_id']);
  const messageTs = stringOf(body.container['message_ts']) ?? body.message?.ts;
  const threadTs = stringOf(body.container['thread_ts']) ?? stringOf(body.message?.['thread_ts']);
  const place: ReplyPlace = { userId: body.user.id, channel, threadTs, responseUrl: body.response_url };
  const value = decodeAction(action.value ?? '');
  if (!value) {
    await ctx.replies.send(place, stale());
    return;
  }
  const key = `action:${teamId}:${body.user.id}:${messageTs ?? ''}:${action.action_id}:${action.action_ts}`;
  if (value.i || value.o) {
    await openForm(ctx, body, { value, label: action.text.text, key, place, messageTs });
    return;
  }
  const person = { teamId, userId: body.user.id, name: body.user.name ?? body.user.username };
  const question = ctx.pickers?.question(value.c);
  if (question) {
    const origin = { channel, threadTs, messageTs, click: key };
    if (await openPicker(ctx, { question, person, triggerId: body.trigger_id, origin, responseUrl: body.response_url })) return;
  }
  const { first, result } = ask(ctx, {
    line: value.c,
    person,
    origin: { kind: 'button', ...(channel ? { channel } : {}), ...(threadTs ? { threadTs } : {}), ...(messageTs ? { messageTs } : {}) },
    deliveryKey: key,
  });
  if (first) {
    const replied = result.then((reply) => sendReply(ctx, place, reply));
    // The tab shows what the click changed.
    const isHome = body.view?.type === 'home';
    ctx.background(isHome ? replied.then(() => publishHome(ctx, { teamId, userId: body.user.id }, key)) : replied);
  }
  await result;
}

interface FormClick {
  value: ActionValue;
  label: string;
  key: string;
  place: ReplyPlace;
  messageTs: string | undefined;
}
/** Opens the form within the 3 s that the trigger lives (Slack `views.open`). */
async function openForm(ctx: ListenerContext, body: BlockAction, { value, label, key, place, messageTs }: FormClick): Promise<void> {
  rememberClick(ctx.clicks, key, place.responseUrl);
  try {
    const origin = { channel: place.channel, threadTs: place.threadTs, messageTs, click: key };
    await ctx.web.views.open({
      trigger_id: body.trigger_id,
      view: askModal(value, label, origin, ctx.pickers?.pointsIn(value.c) !== undefined),
    });
  } catch (err) {
    ctx.log.warn({ err }, 'a form did not open');
    await ctx.replies.send(place, message('warn', 'Slack did not open the form.', text('Click the button once more.')));
  }
}
function stale() {
  return message(
    'warn',
    'This button is of another version of Sluice and does nothing any more.',
    text('Ask again with the command itself.'),
  );
}
function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
