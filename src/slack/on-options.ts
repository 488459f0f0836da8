import type { App, BlockSuggestion } from '@slack/bolt';
import type { Choice } from '../commands/picker.ts';
import type { PersonRef } from '../core/message.ts';
import { arrival, type ListenerContext, within } from './listener-context.ts';
import { askCallbackId, jobActionId, lineInForm, pointActionId } from './modal.ts';
import { pickerCallbackId, pickerState, slackOptions } from './picker-modal.ts';

/** Slack waits 3 s for options (`block_suggestion`) and then shows "No results"; this leaves time for the way. */
const answerWithinMs = 2_400;

/**
 * What the external selects of forms offer for what was typed. Somebody who may see nothing gets an empty list, as does everybody while the state
 * store does not answer: an option list has no place for a reason, and changing the form meanwhile upsets Slack's clients (java-slack-sdk #890).
 * The form itself says it, when it opens and when it is submitted.
 */
export function onOptions(app: App, ctx: ListenerContext): void {
  app.options(/[\s\S]*/, async ({ body, ack, context }) => {
    const since = arrival(context);
    let choices: Choice[] = [];
    try {
      const found = await within(choicesFor(ctx, body), answerWithinMs - (Date.now() - since));
      if (found === undefined) ctx.log.warn({ actionId: body.action_id }, 'the options of a select took too long, and none were given');
      choices = found ?? [];
    } catch (err) {
      ctx.log.warn({ err, actionId: body.action_id }, 'the options of a select could not be read, and none were given');
    }
    // Also an empty list has to be sent: without one Slack goes on showing the list before (bolt-python #468).
    await ack({ options: slackOptions(choices) });
    ctx.acknowledged(Date.now() - since);
  });
}

async function choicesFor(ctx: ListenerContext, body: BlockSuggestion): Promise<Choice[]> {
  const { pickers } = ctx;
  const { view } = body;
  if (!pickers || !view) return [];
  const person = personOf(body);
  const typed = body.value ?? '';
  if (view.callback_id === askCallbackId) {
    const line = lineInForm(view.private_metadata);
    const points = line === undefined ? undefined : pickers.pointsIn(line);
    return points && body.action_id === pointActionId ? pickers.restorePoints(points.command, points.job, person, typed) : [];
  }
  const state = view.callback_id === pickerCallbackId ? pickerState(view.private_metadata) : undefined;
  const question = state && pickers.question(state.line);
  if (!question) return [];
  if (body.action_id === jobActionId) return pickers.jobs(question.command, person, typed);
  if (body.action_id !== pointActionId || state.job === undefined) return [];
  return pickers.restorePoints(question.command, state.job, person, typed);
}

/** On Enterprise Grid the person's team is told as that of the organisation (`E…`); the workspace is beside it. */
function personOf(body: BlockSuggestion): PersonRef {
  const own = body.user.team_id;
  const teamId = own === undefined || own.startsWith('E') ? (body.team?.id ?? own ?? '') : own;
  return { teamId, userId: body.user.id };
}
