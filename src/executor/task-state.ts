import type { Transitions } from "../util/state-machine.ts";

/** States of a task; README.md draws them. */
export type TaskState =
  /** Its function is being located. */
  | "locating"
  /** An attempt has failed; the delay before the next one runs. */
  | "backoff"
  /** In the pending queue. */
  | "pending"
  /** Too many wait already; its error is on the way. */
  | "refused"
  /** Given to a worker, sent at the end of the tick. */
  | "outbox"
  /** Sent; the worker may take its token any moment, or runs it. */
  | "sent"
  /** Its result is here, the streams in it are not at their end. */
  | "streaming"
  | "settled";

export const TASK_TRANSITIONS: Transitions<TaskState> = {
  locating: ["pending", "settled"],
  pending: ["outbox", "refused", "settled"],
  refused: ["settled"],
  outbox: ["sent", "pending", "settled"],
  sent: ["streaming", "backoff", "pending", "settled"],
  streaming: ["settled"],
  backoff: ["pending", "settled"],
  settled: [],
};
