import { inspect } from "node:util";
import { publishUncaught } from "../process/uncaught.ts";
import { checkFunction } from "../util/checks.ts";
import { globalSlot } from "../util/global-slot.ts";

/** Arguments of a {@link ThreadExceptHook}. */
export interface ThreadExceptHookArgs {
  /** The error that ended the thread. */
  readonly error: unknown;
  /** The thread's name; that of a worker of an executor, too. */
  readonly name: string;
}

/** Called in the starter of a thread that an error has ended which reaches no caller. */
export type ThreadExceptHook = (args: ThreadExceptHookArgs) => void;

const slot: { hook: ThreadExceptHook } = globalSlot("thread-except-hook", () => ({
  hook: threadExceptHook,
}));

/**
 * The default hook: writes `Exception in thread NAME` and the error with its stack to stderr.
 *
 * @since 0.2.0
 */
export function threadExceptHook({ error, name }: ThreadExceptHookArgs): void {
  process.stderr.write(`Exception in thread ${name}:\n${inspect(error)}\n`);
}

/**
 * Sets what happens with an error that has ended a thread and that nobody is told of otherwise, as Python's
 * `threading.excepthook`: one of a {@link Thread} whose `result` nobody asks for, and one that a timer or a promise
 * throws after the function has returned, also in an idle worker of a {@link ThreadPoolExecutor}.
 *
 * It is called in the thread that started the failed one, and is a setting of that thread. Such errors are published
 * on the diagnostics channel `manycore:uncaught` as well, those of processes too, which print them themselves.
 *
 * @param hook - undefined sets the default, {@link threadExceptHook}.
 * @returns the hook that was set before.
 * @throws TypeError when `hook` is no function.
 * @since 0.2.0
 */
export function setThreadExceptHook(hook: ThreadExceptHook | undefined): ThreadExceptHook {
  if (hook !== undefined) checkFunction(hook, "hook");
  const before = slot.hook;
  slot.hook = hook ?? threadExceptHook;
  return before;
}

/** Reports an error that has ended a thread and reaches no caller. */
export function reportThreadError(name: string, error: unknown): void {
  publishUncaught("thread", name, error);
  try {
    slot.hook({ error, name });
  } catch (thrown) {
    // As in Python: neither of the two errors may vanish.
    process.stderr.write(`Exception in the hook of setThreadExceptHook:\n${inspect(thrown)}\n`);
    threadExceptHook({ error, name });
  }
}
