import { channel } from "node:diagnostics_channel";

/** The message to subscribers of the diagnostics channel `manycore:uncaught`. */
export interface UncaughtMessage {
  readonly type: "uncaught";
  /** The process or thread that it ended. */
  readonly kind: "process" | "thread";
  /** Name of the Process or Thread, or of the worker: `ThreadPoolWorker-1`. */
  readonly name: string;
  readonly error: unknown;
}

const uncaughtChannel = channel("manycore:uncaught");

/** Tells whoever listens that a child ended by an error that reaches no caller. */
export function publishUncaught(kind: "process" | "thread", name: string, error: unknown): void {
  if (!uncaughtChannel.hasSubscribers) return;
  const message: UncaughtMessage = { type: "uncaught", kind, name, error };
  uncaughtChannel.publish(message);
}
