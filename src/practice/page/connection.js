const firstWaitMs = 300;
const longestWaitMs = 3000;
/** Closing code: nobody of that name is in this workspace. */
const nobody = 4404;

/**
 * Follows the workspace as one person sees it, and connects again when the connection is lost. `told(type, data)` for each change,
 * `lost()` when it is gone for now, `refused()` when this person is not here. Returns how to end it.
 */
export function follow(as, { told, lost, refused }) {
  let socket;
  let timer;
  let ended = false;
  let waitMs = firstWaitMs;
  const open = () => {
    const address = new URL(`/practice/page-socket?as=${encodeURIComponent(as)}`, location.href);
    address.protocol = 'ws:';
    socket = new WebSocket(address);
    socket.addEventListener('message', (event) => {
      if (ended) return;
      waitMs = firstWaitMs;
      const { type, ...data } = JSON.parse(event.data);
      told(type, data);
    });
    socket.addEventListener('close', (event) => {
      if (ended) return;
      if (event.code === nobody) return refused();
      lost();
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(longestWaitMs, waitMs * 2);
      return undefined;
    });
  };
  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}
