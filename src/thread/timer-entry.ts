import { resolveTask, type TaskIdentity } from "../task/index.ts";
import { hrtime } from "../util/platform.ts";

/** States of a Timer; each side may leave the first one, and one of them does. */
export const TimerState = { waiting: 0, cancelled: 1, runs: 2 } as const;

/** Data for the thread of a Timer. */
export interface TimerJob {
  /** One word, a {@link TimerState}. */
  readonly state: SharedArrayBuffer;
  readonly interval: number;
  readonly args: readonly unknown[];
  /** Known at the start. */
  task?: TaskIdentity | undefined;
  /** By the clock of the process, in milliseconds. */
  startedAt?: number | undefined;
}

/** `Atomics.waitAsync`, which the types do not know yet. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  timeout: number,
) => { readonly value: PromiseLike<string> | string };

/** Milliseconds by a clock that all threads of a process share and that nobody sets. */
export function processTime(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** The work of a Timer's thread: waits, and calls the function unless it was cancelled. */
export async function runTimer(job: TimerJob): Promise<unknown> {
  const { state, interval, args, task, startedAt } = job;
  const words = new Int32Array(state);
  // Before the wait: a function that cannot be found is an error now, and the call comes in time.
  const target = (await resolveTask(task as TaskIdentity)) as (...args: unknown[]) => unknown;
  const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };
  const due = (startedAt ?? 0) + interval;
  // V8 ends a wait some milliseconds early at times.
  for (let rest = due - processTime(); rest > 0; rest = due - processTime()) {
    const { value } = waitAsync(words, 0, TimerState.waiting, Math.ceil(rest));
    if ((await value) !== "timed-out") break;
  }
  const found = Atomics.compareExchange(words, 0, TimerState.waiting, TimerState.runs);
  return found === TimerState.waiting ? await target(...args) : undefined;
}
