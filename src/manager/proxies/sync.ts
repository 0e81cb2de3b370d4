import type { BARRIER, CONDITION, EVENT, LOCK, SEMAPHORE, NameIn } from "../built-in-methods.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { TimeoutError } from "../../errors/index.ts";
import { wrongType } from "../../util/argument-error.ts";
import { checkFunction, integer } from "../../util/checks.ts";
import { checkWait, waitFault, type WaitOptions } from "../../util/wait-options.ts";
import type { CallOptions } from "../host.ts";
import {
  callBuiltIn,
  type CallBuiltIn,
  ObjectProxy,
  proxiesOf,
  checkUsable,
} from "../object-proxy.ts";

const callBarrier: CallBuiltIn<NameIn<typeof BARRIER>> = callBuiltIn;
const callCondition: CallBuiltIn<NameIn<typeof CONDITION>> = callBuiltIn;
const callEvent: CallBuiltIn<NameIn<typeof EVENT>> = callBuiltIn;
const callLock: CallBuiltIn<NameIn<typeof LOCK>> = callBuiltIn;
const callSemaphore: CallBuiltIn<NameIn<typeof SEMAPHORE>> = callBuiltIn;
import { performance } from "../../util/platform.ts";

/** The flow of async work that holds RLocks by `run()`; 0: none of its own. */
const flows: AsyncLocalStorage<number> = new AsyncLocalStorage();
let lastFlow = 0;

function inFlow(options: WaitOptions | undefined): CallOptions {
  // What is no object is refused by the call.
  if (options !== undefined && waitFault(options) !== undefined) return options;
  return { ...options, flow: flows.getStore() ?? 0 };
}

/** Acquiring, common to locks, semaphores and conditions. */
export abstract class Acquirable extends ObjectProxy {
  /**
   * Takes it.
   *
   * **Waiting**: in the server, first come, first served. One that dies while it waits is left out.
   * **Cancellation**: safe, as far as the server had not granted it yet; then it is taken, and this resolves.
   *
   * @returns false when `timeout` passed.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    return callLock(this, "acquire", [], inFlow(options));
  }

  /** Takes it if that needs no waiting. */
  tryAcquire(): Promise<boolean> {
    return this.acquire({ timeout: 0 });
  }

  /**
   * Holds it while a function runs.
   *
   * @throws TimeoutError when `timeout` passed before.
   */
  async run<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    checkFunction(fn, "fn");
    if (!(await this.acquire(options))) {
      throw new TimeoutError(`It could not be acquired within ${options?.timeout} ms.`);
    }
    try {
      return await fn();
    } finally {
      await callLock(this, "release", [], inFlow(undefined));
    }
  }
}

/**
 * A lock in the server of a manager. As Python's it belongs to nobody: any client may release it, and it stays
 * locked when who took it dies. For locks that notice that use {@link Lock}.
 * @since 0.2.0
 */
export class LockProxy extends Acquirable {
  static {
    proxiesOf(LockProxy, "lock");
  }

  /** @throws InvalidStateError when it is not held. */
  release(): Promise<void> {
    return callLock(this, "release", [], inFlow(undefined));
  }

  locked(): Promise<boolean> {
    return callLock(this, "locked");
  }
}

/**
 * A lock in the server of a manager that its holder may take again. The holder is a JS thread, or inside
 * `run()` the flow of async work that runs there. It is freed when its holder's program ends.
 * @since 0.2.0
 */
export class RLockProxy extends LockProxy {
  static {
    proxiesOf(RLockProxy, "rlock");
  }

  override run<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    const flow = flows.getStore() ?? ++lastFlow;
    return flows.run(flow, () => super.run(fn, options));
  }
}

/**
 * A semaphore in the server of a manager; a bounded one cannot be released more often than acquired.
 * @since 0.2.0
 */
export class SemaphoreProxy extends Acquirable {
  static {
    proxiesOf(SemaphoreProxy, "semaphore", "boundedSemaphore");
  }

  /** @throws InvalidStateError when a bounded one would get more permits than it began with. */
  async release(n = 1): Promise<void> {
    integer(1)(n, "n");
    await callSemaphore(this, "release", [n]);
  }

  /** The number of permits that are left. */
  value(): Promise<number> {
    return callSemaphore(this, "value");
  }
}

/**
 * A flag in the server of a manager.
 * @since 0.2.0
 */
export class EventProxy extends ObjectProxy {
  static {
    proxiesOf(EventProxy, "event");
  }

  /** Sets it and lets go all who wait. */
  set(): Promise<void> {
    return callEvent(this, "set");
  }

  clear(): Promise<void> {
    return callEvent(this, "clear");
  }

  isSet(): Promise<boolean> {
    return callEvent(this, "isSet");
  }

  /**
   * Waits until it is set. **Cancellation**: safe.
   * @returns false when `timeout` passed.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return callEvent(this, "wait", [], options);
  }
}

/**
 * A condition in the server of a manager, with a lock: a new rlock unless one was given.
 * @since 0.2.0
 */
export class ConditionProxy extends Acquirable {
  static {
    proxiesOf(ConditionProxy, "condition");
  }

  release(): Promise<void> {
    return callCondition(this, "release", [], inFlow(undefined));
  }

  /** As that of {@link RLockProxy}. */
  override run<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    const flow = flows.getStore() ?? ++lastFlow;
    return flows.run(flow, () => super.run(fn, options));
  }

  /**
   * Gives the lock up, waits to be notified, and takes the lock again.
   *
   * **Cancellation**: the lock is taken again before the wait rejects, however long that takes (5 s at the most).
   *
   * @returns false when `timeout` passed before.
   * @throws InvalidStateError when the lock is not held.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return callCondition(this, "wait", [], inFlow(options));
  }

  /**
   * Waits until a predicate, which runs here, is true.
   * @returns false when `timeout` passed before.
   */
  async waitFor(
    predicate: () => boolean | Promise<boolean>,
    options: WaitOptions = {},
  ): Promise<boolean> {
    checkFunction(predicate, "predicate");
    checkWait(options);
    checkUsable(this);
    const { timeout = Infinity, signal } = options;
    const end = performance.now() + timeout;
    while (!(await predicate())) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await this.wait({ signal, timeout: left });
    }
    return true;
  }

  /** Wakes those who have waited longest. @throws InvalidStateError when the lock is not held. */
  async notify(n = 1): Promise<void> {
    integer(0)(n, "n");
    await callCondition(this, "notify", [n], inFlow(undefined));
  }

  notifyAll(): Promise<void> {
    return callCondition(this, "notifyAll", [], inFlow(undefined));
  }
}

/**
 * A barrier in the server of a manager.
 * @since 0.2.0
 */
export class BarrierProxy extends ObjectProxy {
  static {
    proxiesOf(BarrierProxy, "barrier");
  }

  /**
   * Waits until all parties have come. Not safe to give up: a wait that times out, is aborted or
   * dies breaks the barrier for everybody.
   *
   * @returns the place in the order in which they came, from 0.
   * @throws BrokenBarrierError when it is, or gets, broken or reset.
   */
  wait(options?: WaitOptions): Promise<number> {
    return callBarrier(this, "wait", [], options);
  }

  /** Breaks it. */
  abort(): Promise<void> {
    return callBarrier(this, "abort");
  }

  /** Makes it new; who waits gets a {@link BrokenBarrierError}. */
  reset(): Promise<void> {
    return callBarrier(this, "reset");
  }

  parties(): Promise<number> {
    return callBarrier(this, "parties");
  }

  waiting(): Promise<number> {
    return callBarrier(this, "waiting");
  }

  broken(): Promise<boolean> {
    return callBarrier(this, "broken");
  }
}

/** @throws TypeError for what is no lock of a manager. */
export function checkLock(lock: unknown): void {
  if (lock === undefined || lock instanceof LockProxy) return;
  throw wrongType("lock", "a lock or rlock of this manager", lock);
}
