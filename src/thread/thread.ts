import { HANDLE, restoredFrom } from "../process/restore.ts";
import {
  HANDLE_CHECKS,
  HANDLE_SISTERS,
  splitOptions,
  type TargetOptions,
} from "../process/handle-options.ts";
import { checkResourceLimits } from "../process/start-checks.ts";
import type { OptionTable } from "../util/option-table.ts";
import { WorkerHandle } from "../process/worker-handle.ts";
import { ThreadCore, type ThreadSettings, type ThreadState } from "./thread-core.ts";

const THREAD: OptionTable<ThreadSettings & { target?: unknown; args?: unknown }> = {
  of: "Thread",
  checks: { ...HANDLE_CHECKS, resourceLimits: checkResourceLimits },
  sisters: HANDLE_SISTERS,
  bare: "target",
};

/** Options of {@link Thread}: its settings, and the target with its arguments. */
export type ThreadOptions<A extends unknown[], R> = ThreadSettings & TargetOptions<A, R>;

/**
 * A function, or a subclass's `run()`, in a thread of its own: a JavaScript world with its own globals
 * and modules in the same process. The same contract as {@link Process}.
 *
 * Different from it: `terminate()` stops the thread at once even inside a computation, `process.exit(n)`
 * ends the thread alone, there is no `cwd`, and `inspect` opens the inspector of the process, through
 * which its threads are seen. An error that reaches nobody goes to {@link setThreadExceptHook}, which writes it to stderr.
 *
 * @example
 * const t = new Thread({ target: parse, args: [text] });
 * await t.start();
 * const tree = await t.result;
 * @since 0.1.0
 */
export class Thread<A extends unknown[] = [], R = unknown> extends WorkerHandle<R> {
  static {
    Object.defineProperty(this, HANDLE, { value: "thread" });
  }

  readonly #core: ThreadCore<R>;

  /**
   * Makes the object; nothing is started yet.
   *
   * @throws TypeError or RangeError for options of the wrong kind.
   * @throws NotSupportedError for `cwd` and for file descriptors in `stdio`.
   */
  constructor(options?: ThreadOptions<A, R>) {
    const given = options === undefined ? {} : options;
    const restored = restoredFrom(given);
    const core =
      restored === undefined
        ? ThreadCore.create<R>(new.target.name, splitOptions<ThreadSettings>(given, THREAD))
        : ThreadCore.inside<R>(restored);
    super(core);
    this.#core = core;
  }

  /** Node's id of the thread; undefined before the start. */
  get threadId(): number | undefined {
    return this.#core.threadId;
  }

  /**
   * `new` before the start; `runnable` until `run()` begins; then `running` while its JavaScript runs and
   * `blocked` while it waits for events or blocks in a wait; `terminated` after the end. A snapshot.
   */
  get state(): ThreadState {
    return this.#core.threadState;
  }
}
