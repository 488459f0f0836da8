import { oneLine, truncate } from '../core/text.ts';

export interface Cause {
  /** The Java class without its package, for example `IOException`; empty when the text is no Java error. */
  name: string;
  /** One line, at most 400 characters. */
  message: string;
}

const javaClass = /^((?:[\w$]+\.)+[A-Z][\w$]*|[A-Z][\w$]*(?:Exception|Error|Throwable))(?::\s?|\s*$)/;
/** Classes that only wrap another error; their own message adds nothing. */
const wrappers = /^(CompletionException|ExecutionException|SerializedThrowable|InvocationTargetException|UndeclaredThrowableException)$/;

/**
 * Every cause in a Java stack trace, outermost first. Copied classes in a wrapper's message
 * (`CompletionException: java.io.IOException: disk full`) are unwrapped.
 */
export function causesOf(trace: string): Cause[] {
  const causes: Cause[] = [];
  let current: string[] | undefined;
  const end = () => {
    if (current?.join('').trim()) causes.push(parseCause(current.join(' ')));
    current = undefined;
  };
  for (const line of trace.split(/\r?\n/)) {
    if (/^\s+at [\w$.<>/@-]+\(|^\s*\.\.\. \d+ (more|common frames)|^\s*…\s*$/.test(line)) end();
    else if (/^\s*Suppressed: /.test(line)) end();
    else if (/^\s*Caused by: /.test(line)) {
      end();
      current = [line.replace(/^\s*Caused by: /, '')];
    } else if (/^End of exception on server side/.test(line)) end();
    else if (current) current.push(line);
    else if (causes.length === 0 && line.trim()) current = [line.replace(/^<Exception on server side:/, '')];
  }
  end();
  return causes.filter((cause) => cause.name || cause.message);
}

/** The innermost cause with something to say; undefined for an empty text. */
export function rootCauseOf(trace: string): Cause | undefined {
  const causes = causesOf(trace);
  const useful = causes.filter((cause) => !wrappers.test(cause.name));
  return useful.at(-1) ?? causes.at(-1);
}

function parseCause(raw: string): Cause {
  let rest = oneLine(raw);
  let name = '';
  for (;;) {
    const match = javaClass.exec(rest);
    if (!match || (name && !wrappers.test(name))) break;
    name = (match[1] ?? '').replace(/^.*[.$]/, '');
    rest = rest.slice(match[0].length).trim();
  }
  return { name, message: truncate(rest, 400) };
}
