import { checkTask, identify, type Task, tasks } from "../task/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { array, milliseconds, object } from "../util/checks.ts";
import { Thread } from "./thread.ts";
import type { ThreadSettings } from "./thread-core.ts";
import { processTime, type TimerJob, TimerState } from "./timer-entry.ts";

/** The arguments of a {@link Timer} after its function: those of the function, if it needs any, and settings. */
export type TimerArguments<A extends unknown[]> = [] extends A
  ? [args?: readonly [...NoInfer<A>], settings?: ThreadSettings]
  : [args: readonly [...NoInfer<A>], settings?: ThreadSettings];

/**
 * A {@link Thread} that calls a function when some time has passed since its start, unless it is cancelled before;
 * as Python's `threading.Timer`.
 *
 * To call a function of this thread's own later, `setTimeout` does. This one calls it also when this thread
 * is busy or blocked. For times that threads and processes share there is {@link WaitableTimer}.
 *
 * `result` is what the function returns, or undefined when the timer was cancelled. A timer keeps the program open
 * until it has ended, unless it is a daemon.
 *
 * @example
 * const timer = new Timer(30_000, report, ["still running"]);
 * await timer.start();
 * await work();
 * timer.cancel();
 * @since 0.2.0
 */
export class Timer<A extends unknown[] = [], R = unknown> extends Thread<
  [TimerJob],
  Awaited<R> | undefined
> {
  readonly #fn: Task<A, R>;
  readonly #job: TimerJob;

  /**
   * Makes the object; nothing is started yet.
   *
   * @param interval - milliseconds from the start to the call.
   * @param fn - found in the thread as the target of a Thread is: exported, or marked as a task.
   * @param rest - its arguments, which are copied at the start; and settings as those of a Thread.
   * @throws RangeError or TypeError for an argument of the wrong kind.
   */
  constructor(interval: number, fn: Task<A, R>, ...rest: TimerArguments<A>) {
    const [args = [], settings = {}] = rest as readonly unknown[] as [unknown?, ThreadSettings?];
    milliseconds(interval, "interval");
    checkTask(fn, "fn");
    array(args, "args");
    object(settings, "settings");
    const job: TimerJob = {
      state: new SharedArrayBuffer(4),
      interval: Math.max(0, interval),
      args: args as unknown[],
    };
    const { runTimer } = tasks<{ runTimer: (job: TimerJob) => Promise<Awaited<R> | undefined> }>(
      entryUrl("thread/timer-entry"),
    );
    super({ ...settings, target: runTimer, args: [job] });
    this.#fn = fn;
    this.#job = job;
  }

  /** Milliseconds from the start to the call. */
  get interval(): number {
    return this.#job.interval;
  }

  override async start(): Promise<this> {
    // From here, not from when the thread is up.
    const startedAt = processTime();
    const task = await identify(this.#fn);
    // The arguments are read once; what a second start does wrong, Thread says.
    if (this.#job.task === undefined) Object.assign(this.#job, { task, startedAt });
    return await super.start();
  }

  /**
   * Ends the timer without calling its function. No effect once the function has been called.
   *
   * Does not wait; the thread has ended when `join()` says so. A timer that was cancelled before its start
   * may be started, and ends at once.
   *
   * @returns true when the function has not been called and will not be.
   */
  cancel(): boolean {
    const words = new Int32Array(this.#job.state);
    const { waiting, cancelled, runs } = TimerState;
    const found = Atomics.compareExchange(words, 0, waiting, cancelled);
    Atomics.notify(words, 0);
    return found !== runs;
  }
}
