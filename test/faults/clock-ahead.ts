// Loaded before the app: the clock of its host is a minute ahead of the database's, as of a machine without time synchronisation.
const aheadMs = 60_000;
const real = Date;

globalThis.Date = new Proxy(real, {
  construct: (_, args: unknown[], asked) => Reflect.construct(real, args.length > 0 ? args : [real.now() + aheadMs], asked),
  get: (_, key, receiver) => (key === 'now' ? () => real.now() + aheadMs : Reflect.get(real, key, receiver)),
});
