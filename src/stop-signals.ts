/** npm passes a signal on that its whole group has got already: what comes so soon after the first is the same one. */
const sameWithinMs = 1000;

/**
 * The first SIGINT or SIGTERM begins the end; the process exits when it is done, with the code that `begin` resolves with (1 when it fails). A later one
 * means "at once".
 */
export function onStopSignal(begin: (signal: string) => Promise<number>): void {
  let since: number | undefined;
  const stop = (signal: string) => {
    if (since !== undefined) {
      if (performance.now() - since > sameWithinMs) process.exit(1);
      return;
    }
    since = performance.now();
    begin(signal).then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
}
