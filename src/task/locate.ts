import { notFound } from "./advice.ts";
import { locateExport } from "./locate-export.ts";
import { inspectFunction } from "./inspect.ts";
import type { FunctionFacts } from "./inspect.ts";
import type { TaskIdentity } from "./identity.ts";
import { isTaskIdentity } from "./identity.ts";
import { isTaskRef } from "./refs.ts";
import { taskSlot } from "./slot.ts";
import type { AnyTaskRef } from "./types.ts";
import { unwrapFacade } from "../util/facade.ts";
import { wrongType } from "../util/argument-error.ts";
import { TaskNotFoundError } from "../errors/index.ts";

/** The place that was found, or the search under way. */
const known = new WeakMap<Function, TaskIdentity | Promise<TaskIdentity>>();

/**
 * Finds how a worker finds `task` again. Works for classes too.
 *
 * **Waiting**: answers at once for registered and inline functions, references, and whatever was found
 * before; otherwise asks V8 and looks at the module (about 10 ms the first time, 1 ms later).
 *
 * @returns the identity, or a promise of it.
 * @throws TaskNotFoundError (always as a rejection for functions that had to be searched) saying why and what to write instead.
 */
export function identify(given: Function | AnyTaskRef): TaskIdentity | Promise<TaskIdentity> {
  const task = unwrapFacade(given);
  if (typeof task === "function") {
    return known.get(task) ?? taskSlot().marked.get(task) ?? search(task);
  }
  if (isTaskRef(task)) return identityOfRef(task);
  throw wrongType("task", "a function or a reference from tasks()", task);
}

/** The name of a task for messages and statistics. */
export function taskName(task: Function | AnyTaskRef): string {
  if (typeof task !== "function") return task.name;
  const found = known.get(task);
  const name = found === undefined || found instanceof Promise ? task.name : found.name;
  return name === "" ? "(anonymous)" : name;
}

function identityOfRef(ref: AnyTaskRef): TaskIdentity {
  const identity: TaskIdentity = { kind: "export", module: ref.module, name: ref.name };
  if (!isTaskIdentity(identity)) {
    throw new TaskNotFoundError(
      `The reference to ${JSON.stringify(ref.name)} of ${JSON.stringify(ref.module)} names no export of a file:, node: or data: module. ` +
        `Make it with tasks(new URL("./x.ts", import.meta.url)).`,
    );
  }
  return identity;
}

function search(fn: Function): Promise<TaskIdentity> {
  const found = place(fn).then(
    (identity) => {
      known.set(fn, identity);
      return identity;
    },
    (error: unknown) => {
      // Not kept: the module may export it by the next time.
      known.delete(fn);
      throw error;
    },
  );
  known.set(fn, found);
  return found;
}

async function place(fn: Function): Promise<TaskIdentity> {
  const facts = inspect(fn);
  if (facts.kind !== "placed") throw notFound(fn, facts.kind);
  return locateExport(fn, facts.place);
}

function inspect(fn: Function): FunctionFacts {
  try {
    return inspectFunction(fn);
  } catch (cause) {
    throw notFound(fn, "no-inspector", { cause });
  }
}
