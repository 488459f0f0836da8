/** What a call can end in, named as run-step.ts sorts it. */
export class NoAnswer extends Error {}
/** A no of a side that ran out of time or failed itself: what was asked for may still be done. */
export class Doubtful extends NoAnswer {}
export class NothingSent extends Error {}
/** The other side said no, or what was asked makes no sense (AppError). */
export class Refused extends Error {
  readonly kind: string;
  constructor(kind: string) {
    super(kind);
    this.kind = kind;
  }
}
/** A fault of Sluice itself. */
export class Bug extends Error {}
/** The state store was lost: what was written is not known (isStoreLoss). */
export class StoreLoss extends Error {}
export class Fenced extends Error {}
/** The replica drains. */
export class Stopping extends Error {}
export class Canceled extends Error {}
export class TooLate extends Error {}
