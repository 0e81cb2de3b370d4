import { deferred } from "../util/deferred.ts";
import { clearTimeout } from "../util/platform.ts";
import { setTimer } from "../util/timer.ts";

/** Reason of a call's end before its answer: its caller gave up, or is gone. */
export type CallEnd = "cancelled" | "gone";

/** Ends a wait whose call has ended. */
export class WithdrawnError extends Error {
  readonly why: CallEnd;

  constructor(why: CallEnd) {
    super(`The call was withdrawn: its caller ${why === "gone" ? "is gone" : "gave up"}.`);
    this.why = why;
  }
}

/** The part of a call that its waits need. */
export interface Caller {
  /** Milliseconds the call may wait. */
  readonly timeout: number;
  readonly ended: CallEnd | undefined;
  /** Calls back when the call ends before it is answered. @returns a function that stops that. */
  watch(listener: (why: CallEnd) => void): () => void;
}

/** One call of a client, as the object that it is for sees it. */
export class Call implements Caller {
  /** The client that calls: a JS thread of some program. */
  readonly client: number;
  /** Tells apart the async flows of a client that hold an RLock by `run()`. */
  readonly flow: number;
  readonly timeout: number;
  #end: CallEnd | undefined;
  #listeners: Set<(why: CallEnd) => void> | undefined;

  constructor(client: number, flow: number, timeout: number) {
    this.client = client;
    this.flow = flow;
    this.timeout = timeout;
  }

  get ended(): CallEnd | undefined {
    return this.#end;
  }

  watch(listener: (why: CallEnd) => void): () => void {
    (this.#listeners ??= new Set()).add(listener);
    return () => this.#listeners?.delete(listener);
  }

  end(why: CallEnd): void {
    // Who gave up may be gone later, which ends what still goes on for it.
    if (this.#end === "gone" || this.#end === why) return;
    this.#end = why;
    for (const listener of [...(this.#listeners ?? [])]) listener(why);
  }
}

/** A wait of a call on the server, which ends with the call. */
export interface CallWait<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Options of {@link waitInCall}. */
export interface CallWaitOptions<T> {
  /** Makes the outcome when the call's time is up: returns a value or throws. Without it there is no limit. */
  readonly onTimeout?: (() => T) | undefined;
  /** Called once, when the wait is over for whatever reason. */
  readonly onDone?: (wait: CallWait<T>) => void;
  /** Goes on when the caller gives up, ends only when it is gone. */
  readonly isLasting?: boolean;
}

/** Begins a wait of a call that is resolved from elsewhere. */
export function waitInCall<T>(call: Caller, options: CallWaitOptions<T>): CallWait<T> {
  const { onTimeout, onDone, isLasting = false } = options;
  const { promise, resolve, reject } = deferred<T>();
  const done = (): void => {
    clearTimeout(timer);
    unwatch();
    onDone?.(wait);
  };
  const wait: CallWait<T> = {
    promise,
    resolve(value) {
      done();
      resolve(value);
    },
    reject(reason) {
      done();
      reject(reason);
    },
  };
  const timer =
    onTimeout &&
    setTimer(() => {
      try {
        wait.resolve(onTimeout());
      } catch (error) {
        wait.reject(error as Error);
      }
    }, call.timeout);
  const unwatch = call.watch((why) => {
    if (why === "gone" || !isLasting) wait.reject(new WithdrawnError(why));
  });
  return wait;
}
