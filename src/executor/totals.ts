import { channel } from "node:diagnostics_channel";
import { CancelledError } from "../errors/index.ts";
import type { ExecutorStats } from "./types.ts";

const taskChannel = channel("manycore:task");

/** Counts of what an executor has done. */
export class Totals {
  completed = 0;
  failed = 0;
  cancelled = 0;
  retried = 0;
  crashed = 0;
  /** Run time of all functions in microseconds. */
  micros = 0;

  noteError(error: unknown): void {
    if (error instanceof CancelledError) this.cancelled++;
    else this.failed++;
  }

  snapshot(): Pick<
    ExecutorStats,
    "completed" | "failed" | "cancelled" | "retried" | "crashed" | "busyTime"
  > {
    const { completed, failed, cancelled, retried, crashed, micros } = this;
    return { completed, failed, cancelled, retried, crashed, busyTime: micros / 1000 };
  }
}

/** The message to subscribers of the diagnostics channel `manycore:task`. */
export interface TaskFailureMessage {
  readonly type: "failed";
  readonly executor: string;
  readonly task: string;
  readonly error: unknown;
}

/** Tells whoever listens that a task has failed, so that a failure nobody awaits can be seen. */
export function publishFailure(executor: string, task: string, error: unknown): void {
  if (!taskChannel.hasSubscribers) return;
  const message: TaskFailureMessage = { type: "failed", executor, task, error };
  taskChannel.publish(message);
}
