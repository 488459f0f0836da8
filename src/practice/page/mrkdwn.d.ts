/** A node of parsed mrkdwn; both the page and the test client read it. */
export type MrkdwnNode =
  | { type: 'text'; text: string }
  | { type: 'bold' | 'italic' | 'strike' | 'quote'; children: MrkdwnNode[] }
  | { type: 'code' | 'pre'; text: string }
  | { type: 'link'; url: string; text: string }
  | { type: 'user' | 'channel' | 'group' | 'broadcast'; id: string; label: string }
  | { type: 'date'; unix: number; format: string; url: string; fallback: string }
  | { type: 'emoji'; name: string };
export declare function parseMrkdwn(text: string): MrkdwnNode[];
export declare function unescapeText(text: string): string;
export declare function formatSlackDate(unix: number, format: string, nowMs: number): string;
