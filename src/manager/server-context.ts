import { NotSupportedError } from "../errors/index.ts";
import { type AnyTaskRef, isTaskIdentity, isTaskRef, resolveTask } from "../task/index.ts";
import type { FindTask } from "./objects/pool.ts";
import type { SharedMemoryTracker } from "./objects/shared-memory-tracker.ts";

/** Services of a server for the makers of its objects. */
export interface ServerContext {
  /** A function that a client named. */
  readonly find: FindTask;
  /** The function itself. */
  load(named: unknown): Promise<Function>;
  /** The object behind a proxy that arrived. */
  behind(proxy: unknown): object | undefined;
  /** The one of this server. */
  readonly tracker: SharedMemoryTracker;
}

/**
 * Makes the context of a server.
 *
 * @param runsFunctions - its clients may name functions to run in it.
 */
export function serverContext(
  runsFunctions: boolean,
  tracker: SharedMemoryTracker,
  behind: ServerContext["behind"],
): ServerContext {
  const check = (named: unknown): Parameters<typeof resolveTask>[0] => {
    if (!isTaskIdentity(named)) throw new TypeError("Expected a function that can be found again");
    if (runsFunctions) return named;
    throw new NotSupportedError(
      "This manager runs no functions of its clients, since it can be reached over the network: " +
        "start it with `functions: true` if everybody who has the key may run code in it.",
    );
  };
  return {
    tracker,
    behind,
    async find(given): Promise<Function | AnyTaskRef> {
      const named = check(given);
      const ref = { module: named.kind === "export" ? named.module : "", name: named.name };
      return named.kind === "export" && isTaskRef(ref) ? ref : resolveTask(named);
    },
    async load(given): Promise<Function> {
      return resolveTask(check(given));
    },
  };
}
