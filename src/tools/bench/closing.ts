/** What a measurement must end when it is over, in whatever way: processes, servers, folders. The last one opened is closed first. */
export interface Closing {
  add(close: () => Promise<unknown>): void;
  /** Closes everything, each once; what fails is told, and does not keep the rest open. */
  all(): Promise<void>;
}

export function createClosing(onFailure: (error: unknown) => void): Closing {
  const open: (() => Promise<unknown>)[] = [];
  return {
    add(close) {
      open.push(close);
    },
    async all() {
      for (let close = open.pop(); close; close = open.pop()) await close().catch(onFailure);
    },
  };
}
