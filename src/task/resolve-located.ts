import { TaskNotFoundError } from "../errors/index.ts";
import { livingClasses, livingFunctions } from "./heap.ts";
import type { LocatedIdentity } from "./identity.ts";
import { importModule } from "./import-module.ts";
import { atPlace, needsOwner, neighbours, ownerOf } from "./living.ts";
import { pathOfModule } from "./module-url.ts";
import { isSettled, untilSettled } from "./settled.ts";
import { taskSlot } from "./slot.ts";
import { setImmediate, setTimeout } from "../util/platform.ts";

/** When to look again for what a script may make after it was loaded, in ms after the look before. */
const RETRIES_MS = [0, 20, 100, 400, 1000];

/** Functions that were found, by their modules: their variables show others of the same bundle. */
const found: Map<string, Function[]> = new Map();

/** Functions looked for in the living ones, which are listed once for all that are asked for together. */
let living: Promise<readonly Function[]> | undefined;

/**
 * Finds a function of a bundle again: imports the bundle and looks at what that made, from the cheapest place to the
 * surest.
 *
 * @throws TaskNotFoundError when there is no such function, or more than one.
 */
export async function resolveLocated(identity: LocatedIdentity): Promise<Function> {
  const exports = await importModule(identity.module);
  await untilSettled(identity.module);
  const known = found.get(identity.module) ?? [];
  found.set(identity.module, known);
  const near = async (): Promise<Function[]> => {
    const starts = [...functionsOf(exports), ...registered(identity.module), ...known];
    const seen = starts.length === 0 ? [] : neighbours(starts.at(-1)!);
    return await atPlace(identity, [...starts, ...seen]);
  };
  // What can be seen from one of its module's functions is alone: it is a variable of the module.
  let hits = await near();
  for (const delay of isSettled(identity.module) ? [0] : RETRIES_MS) {
    if (hits.length === 1) break;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    hits = await atPlace(identity, await listLiving());
    if (hits.length === 0) hits = await atPlace(identity, livingClasses(resolveLocated));
  }
  const [fn] = hits;
  if (fn === undefined || hits.length > 1) throw notMade(identity, hits.length);
  known.push(fn);
  return withOwner(fn, identity);
}

function functionsOf(exports: object): Function[] {
  return Object.values(exports).filter((it): it is Function => typeof it === "function");
}

function registered(module: string): Function[] {
  return taskSlot().registered.get(module) ?? [];
}

function listLiving(): Promise<readonly Function[]> {
  living ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
    living = undefined;
    return livingFunctions(resolveLocated);
  });
  return living;
}

/** As with those of exported objects, `this` is the object. */
function withOwner(fn: Function, identity: LocatedIdentity): Function {
  if (!needsOwner(fn)) return fn;
  const owner = ownerOf(fn);
  if (owner === undefined) throw notMade(identity, 0);
  return Object.defineProperty(fn.bind(owner), "name", { value: fn.name }) as Function;
}

function notMade({ module, name, line, column }: LocatedIdentity, count: number): Error {
  const place = `${pathOfModule(module) ?? module}:${line}:${column}`;
  const what = `Function ${JSON.stringify(name)} (${place})`;
  if (count > 1) {
    return new TaskNotFoundError(
      `${what} cannot be told apart in a worker, where importing its script made ${count} of it: it closes over variables that differ. ` +
        "Move it to the top level of its module and pass the variables as arguments.",
    );
  }
  return new TaskNotFoundError(
    `${what} was not there in the worker after it had imported that script. Either it is made by code that only the program runs ` +
      "(inside another function, or behind isMain): move it to the top level of its module. Or it belongs to a module that the bundle " +
      "loads lazily, by import() or require() inside a function: import that module statically. Or the file has changed since the program started.",
  );
}
