/** Runs in a page: what of the part that `selector` names is not good to look at, as sentences; an empty list when all is well. */
export declare function auditLook(selector: string): string[];
