import { withIds } from '../blocks/find.ts';
import { validateMessage } from '../blocks/validate.ts';
import { isObject, type Json } from '../types.ts';
import { textArg } from './arguments.ts';
import { argumentError, problemsError, SlackError } from './slack-error.ts';

/** Longer texts are cut by chat.postMessage (slack.md 1.2). */
const postTextLimit = 40_000;

export interface Content {
  text: string;
  blocks?: Json[];
  attachments?: Json[];
  metadata?: Json;
}

/**
 * The checked content of a message: text, blocks, attachments, metadata.
 * @throws SlackError no_text, invalid_blocks, msg_blocks_too_long, invalid_metadata_format...
 */
export function contentOf(args: Json): Content {
  const text = textArg(args, 'text') ?? '';
  const { blocks, attachments, metadata } = args;
  if (blocks !== undefined && !Array.isArray(blocks)) throw new SlackError('invalid_blocks_format');
  if (attachments !== undefined && !Array.isArray(attachments)) throw new SlackError('invalid_attachments');
  if (text === '' && !(Array.isArray(blocks) && blocks.length > 0) && !(Array.isArray(attachments) && attachments.length > 0))
    throw new SlackError('no_text');
  const verdict = validateMessage(blocks, attachments);
  if (verdict.problems.length > 0)
    throw problemsError(
      verdict.problems.some((p) => p.pointer.startsWith('/blocks')) ? 'invalid_blocks' : 'invalid_attachments',
      verdict.problems,
    );
  if (verdict.tooLong) throw new SlackError('msg_blocks_too_long');
  return {
    text: text.slice(0, postTextLimit),
    ...(blocks === undefined ? {} : { blocks: withIds(blocks) }),
    ...(attachments === undefined
      ? {}
      : {
          attachments: attachments
            .filter(isObject)
            .map((a, i) => ({ id: i + 1, ...a, ...(a['blocks'] ? { blocks: withIds(a['blocks']) } : {}) })),
        }),
    ...(metadata === undefined ? {} : { metadata: checkedMetadata(metadata) }),
  };
}

function checkedMetadata(value: unknown): Json {
  if (!isObject(value)) throw new SlackError('invalid_metadata_format');
  if (Object.keys(value).length === 0) return {};
  if (typeof value['event_type'] !== 'string' || value['event_type'] === '' || !isObject(value['event_payload']))
    throw new SlackError('invalid_metadata_schema');
  return { event_type: value['event_type'], event_payload: value['event_payload'] };
}

/** A message timestamp. @throws SlackError invalid_arguments when it is not of Slack's form */
export function tsArg(args: Json, key: string): string | undefined {
  const value = textArg(args, key);
  if (value !== undefined && !/^\d{10}\.\d{6}$/.test(value)) throw argumentError(`must be a valid timestamp [json-pointer:/${key}]`);
  return value;
}
