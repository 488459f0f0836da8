import assert from 'node:assert/strict';
import type { PracticePerson, SeenMessage } from '../../src/practice/client.ts';
import { etl } from './world.ts';

export interface Page {
  status: number;
  /** Markup with its entities resolved. */
  body: string;
  location: string | null;
}
/** The admin page as a signed-in browser without scripts has it. */
export interface Site {
  get(path: string, headers?: Record<string, string>): Promise<Page>;
  /** Submits the form of a page whose markup contains `mark`, with its hidden fields and these. */
  submit(path: string, mark: string, fields?: Record<string, string>): Promise<Page>;
}

/** The sign-in link of an answer to `/flink web`. */
export function signInLink(answer: SeenMessage): string {
  const link = answer.links.concat(answer.buttons.flatMap((b) => (b.url ? [b.url] : []))).find((l) => l.includes('/sign-in'));
  assert.ok(link, `no link in: ${answer.text}`);
  return link;
}
/** Presses the button of a sign-in page. */
export async function redeem(link: string, cookie = ''): Promise<{ status: number; location: string | null; cookie: string | undefined }> {
  const url = new URL(link);
  const answer = await fetch(new URL('/sign-in', url), {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin, ...(cookie ? { cookie } : {}) },
    body: new URLSearchParams({ code: url.searchParams.get('code') ?? '', next: url.searchParams.get('next') ?? '' }),
  });
  await answer.text();
  return {
    status: answer.status,
    location: answer.headers.get('location'),
    cookie: answer.headers
      .getSetCookie()
      .map((c) => c.split(';')[0] as string)
      .find((c) => /session|__Host-sluice=/.test(c)),
  };
}
/** Signs a person in by `/flink web`. */
export async function signIn(who: PracticePerson): Promise<Site> {
  const link = signInLink(await who.says('/flink web', etl));
  const { cookie } = await redeem(link);
  assert.ok(cookie);
  const { origin } = new URL(link);
  const read = async (answer: Response): Promise<Page> => ({
    status: answer.status,
    body: plainText(await answer.text()),
    location: answer.headers.get('location'),
  });
  const get = async (path: string, headers: Record<string, string> = {}) =>
    read(await fetch(new URL(path, origin), { redirect: 'manual', headers: { cookie, ...headers } }));
  return {
    get,
    async submit(path, mark, fields = {}) {
      const { body } = await get(path);
      const form = body
        .split('<form')
        .slice(1)
        .map((part) => part.split('</form>')[0] ?? '')
        .find((part) => part.includes(mark));
      assert.ok(form, `no form with ${mark} on ${path}`);
      const action = /action="([^"]+)"/.exec(form)?.[1] ?? path;
      const sent = new URLSearchParams(shownFields(form));
      for (const [name, value] of Object.entries(fields)) sent.set(name, value);
      return read(
        await fetch(new URL(action, origin), {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
          body: sent,
        }),
      );
    },
  };
}

/** What a browser would send of a form that nobody has changed. */
function shownFields(form: string): [string, string][] {
  const named = (tag: string) => /name="([^"]+)"/.exec(tag)?.[1];
  const fields: [string, string][] = [];
  for (const [tag] of form.matchAll(/<input[^>]*>/g)) {
    const name = named(tag);
    if (name && !/type="(radio|file)"/.test(tag)) fields.push([name, /value="([^"]*)"/.exec(tag)?.[1] ?? '']);
  }
  for (const [, tag = '', text = ''] of form.matchAll(/<textarea([^>]*)>\n?([^<]*)<\/textarea>/g)) {
    const name = named(tag);
    if (name) fields.push([name, text]);
  }
  for (const [, tag = '', options = ''] of form.matchAll(/<select([^>]*)>(.*?)<\/select>/gs)) {
    const name = named(tag);
    if (name) fields.push([name, /value="([^"]*)" selected/.exec(options)?.[1] ?? /value="([^"]*)"/.exec(options)?.[1] ?? '']);
  }
  return fields;
}
const entities: Record<string, string> = { '&amp;': '&', '&lt;': '‹', '&gt;': '›', '&quot;': '”', '&#39;': "'" };
/** Entities resolved, except that what would be markup again becomes a look-alike: forms are read from it. */
const plainText = (markup: string) => markup.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
