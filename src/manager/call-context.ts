import { AsyncLocalStorage } from "node:async_hooks";
import { InvalidStateError } from "../errors/index.ts";
import { sharedController } from "../util/abort.ts";
import type { AsyncScope } from "../util/async-scope.ts";
import { globalSlot } from "../util/global-slot.ts";
import type { Call } from "./call.ts";

/** The call that a method of an own class serves. */
export interface CallContext {
  /** Aborts when the caller gives up, its time is up, or it is gone. */
  readonly signal: AbortSignal;
  /** Tells the callers apart: a number for each JS thread that is connected. */
  readonly client: number;
}

const storage: AsyncLocalStorage<CallContext> = globalSlot(
  "manager-call",
  () => new AsyncLocalStorage(),
);

/**
 * The call that is being served: for methods of own classes inside a manager's server. A method that
 * waits listens to `signal`, so that it does not go on for nobody.
 *
 * @throws InvalidStateError anywhere else.
 * @since 0.2.0
 */
export function callContext(): CallContext {
  const context = storage.getStore();
  if (context !== undefined) return context;
  throw new InvalidStateError("No call of a manager is being served here.");
}

/** Runs a method as part of a call. */
export function withCallContext<T>(context: CallContext, body: () => T): T {
  return storage.run(context, body);
}

/** The context of one call, and how to abort its signal; listeners run where the call does. */
export function contextOf(
  call: Call,
  scope: AsyncScope,
): {
  context: CallContext;
  abort: (reason: Error) => void;
} {
  let controller: AbortController | undefined;
  return {
    context: {
      client: call.client,
      get signal(): AbortSignal {
        if (controller === undefined) {
          const made = (controller = sharedController());
          call.watch(() => scope.runInAsyncScope(() => made.abort()));
          if (call.ended !== undefined) made.abort();
        }
        return controller.signal;
      },
    },
    abort: (reason) => scope.runInAsyncScope(() => controller?.abort(reason)),
  };
}
