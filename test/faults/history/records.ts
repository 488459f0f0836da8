import { createHash } from 'node:crypto';
import type { Person, Role } from '../../../src/access/policy.ts';
import type { TruthFact } from '../truth.ts';
import { auditHash } from './check-audit.ts';
import type { AuditFact, History, IncidentFact, OperationFact, PersonAt, StepFact } from './history.ts';

export const etl = 'etl-orders';
export const cluster = 'standalone';
export const sha = createHash('sha256').update('orders').digest('hex');
const beginning = Date.parse('2026-11-25T10:00:00Z');

/** A person of team data. */
export function person(name: string, ...roles: Role[]): Person {
  return {
    ref: { teamId: 'T1', userId: `U${name.toUpperCase()}`, name },
    admin: false,
    active: true,
    memberships: roles.map((role) => ({ team: 'data', role })),
  };
}
export const emma = person('emma', 'engineer');
export const lena = person('lena', 'lead');
export const omar = person('omar', 'on-call');

/** How an operation is asked for. */
export interface Asked {
  by?: Person;
  input?: Record<string, unknown>;
  breakGlass?: string;
  /** Who approves it; where the policy asks for one and none is named, lena does. */
  approvedBy?: Person;
}
/** The rows, messages and events of a history, one at a time; each a second after the one before. */
export class Records {
  readonly history: History;
  protected clock = beginning;
  protected ids = 0;
  protected seq = 0;
  protected readonly truth: History['clusters'][number]['truth'][number][] = [];

  constructor(environment: 'production' | 'development' = 'production') {
    this.history = {
      now: new Date(beginning),
      clockAheadMs: 0,
      graceMs: 0,
      operations: [],
      steps: [],
      approvals: [],
      jobs: [{ name: etl, team: 'data', mode: 'streaming', environment }],
      runs: [],
      restorePoints: [],
      incidents: [],
      outbox: [],
      audit: [],
      artifacts: [{ sha256: sha, name: 'orders.jar' }],
      people: structuredClone([emma, lena, omar]).map((p): PersonAt => ({ at: new Date(0), person: p })),
      clusters: [{ name: cluster, pathsReadable: true, truth: this.truth }],
      posts: [],
      processes: [],
      workspaces: [],
      outside: [],
      ambiguousPosts: 0,
      ambiguousUploads: 0,
    };
  }

  /** A second later. */
  tick(): Date {
    this.clock += 1000;
    this.history.now = new Date(this.clock);
    return new Date(this.clock);
  }
  protected id(prefix: string): string {
    return `${prefix}_${String(++this.ids).padStart(12, '0')}`;
  }
  protected flinkId(): string {
    return String(++this.ids).padStart(32, '0');
  }
  /** Something happens on the cluster. */
  happens(fact: TruthFact): void {
    this.truth.push({ seq: ++this.seq, at: this.tick().getTime(), ...fact });
  }
  /** A row of the audit, in its chain. */
  audits(action: string, details: Record<string, unknown>): void {
    const previousHash = this.history.audit.at(-1)?.hash ?? '';
    const row: Omit<AuditFact, 'hash'> = {
      id: this.history.audit.length + 1,
      at: this.tick(),
      actor: { origin: 'typed' },
      action,
      subject: `job:${etl}`,
      details,
      previousHash,
    };
    this.history.audit.push({ ...row, hash: auditHash(row) });
  }
  /** A message that is wanted, sent and seen. */
  posts(dedupeKey: string, text: string): string {
    const id = this.id('msg');
    const ts = `${this.tick().getTime() / 1000}.0001`;
    this.history.outbox.push({
      id,
      dedupeKey,
      channel: 'C0ETL',
      state: 'sent',
      sentChannel: 'C0ETL',
      sentTs: ts,
      movedFrom: null,
      lastError: null,
      updatedAt: new Date(this.clock),
    });
    this.history.posts.push({ channel: 'C0ETL', ts, text, outboxId: id, ephemeral: false });
    return id;
  }

  protected accept(kind: string, asked: Asked, right: string): OperationFact {
    const id = this.id('op');
    const by = asked.by ?? emma;
    const needsApproval = right === 'rewind' && this.history.jobs[0]?.environment === 'production' && asked.breakGlass === undefined;
    const op: OperationFact = {
      id,
      kind,
      job: etl,
      state: 'running',
      holds: true,
      input: { right, ...asked.input },
      planHash: needsApproval ? `plan-${id}` : null,
      idemKey: `key-${id}`,
      actor: by.ref,
      messageId: this.posts(`operation:${id}`, `⏳ ${kind} of ${etl}\n${id}`),
      breakGlass: asked.breakGlass ?? null,
      owner: null,
      leaseUntil: null,
      outcome: null,
      createdAt: this.tick(),
      startedAt: null,
      finishedAt: null,
    };
    this.history.operations.push(op);
    this.audits(needsApproval ? 'operation.requested' : 'operation.accepted', { operation: id });
    if (needsApproval) {
      const decider = asked.approvedBy ?? lena;
      this.history.approvals.push({
        operationId: id,
        planHash: `plan-${id}`,
        state: 'approved',
        requestedBy: by.ref,
        expiresAt: new Date(this.clock + 3_600_000),
        decidedBy: decider.ref,
        decidedAt: this.tick(),
      });
      this.audits('approval.approved', { operation: id });
    }
    op.startedAt = this.tick();
    return op;
  }
  /** A step that is begun; its result follows by `done`. */
  step(op: OperationFact, name: string, intent: Record<string, unknown> = {}): StepFact {
    const row: StepFact = {
      operationId: op.id,
      name,
      state: 'running',
      intent,
      result: null,
      startedAt: this.tick(),
      doneAt: null,
      holds: !name.startsWith('build-'),
    };
    this.history.steps.push(row);
    return row;
  }
  protected done(row: StepFact, result: Record<string, unknown> = {}): void {
    Object.assign(row, { state: 'done', result, doneAt: this.tick() });
  }
  /** The end of an operation, and its message. */
  ends(op: OperationFact, state: 'succeeded' | 'failed' | 'canceled' | 'parked', title: string): OperationFact {
    const tone = { succeeded: 'good', failed: 'bad', canceled: 'neutral', parked: 'warn' }[state];
    Object.assign(op, {
      state,
      owner: null,
      leaseUntil: null,
      outcome: { tone, title },
      finishedAt: state === 'parked' ? null : this.tick(),
    });
    const post = this.history.posts.find((p) => p.outboxId === op.messageId);
    if (post) post.text = `✅ ${title}\n${op.id}`;
    return op;
  }
  /** An incident with its message. */
  incident(cause: string, more: Partial<IncidentFact> = {}): IncidentFact {
    const id = this.id('inc');
    const title = `${etl} ${cause}`;
    const row: IncidentFact = {
      id,
      key: `job:${etl}:${cause}`,
      job: etl,
      cluster,
      cause,
      state: 'firing',
      title,
      runId: null,
      messageId: this.posts(`incident:${id}`, `🔴 ${title}`),
      firstSeen: this.tick(),
      lastSeen: new Date(this.clock),
      silenced: null,
      resolvedAt: null,
      ...more,
    };
    this.history.incidents.push(row);
    return row;
  }
}
