/**
 * Turns for work of which only so many may run at once in this process, first come, first served.
 * @returns a function that waits for a turn and resolves with how to give it back; it rejects with the signal's reason.
 */
export function createTurns(limit: number): (signal: AbortSignal) => Promise<() => void> {
  let free = limit;
  const waiting: (() => void)[] = [];
  const giveBack = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  /** Once only, however often it is called. */
  const turn = () => {
    let given = false;
    return () => {
      if (!given) giveBack();
      given = true;
    };
  };
  return (signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (free > 0) {
        free--;
        resolve(turn());
        return;
      }
      const begin = () => {
        signal.removeEventListener('abort', leave);
        resolve(turn());
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.push(begin);
    });
}
