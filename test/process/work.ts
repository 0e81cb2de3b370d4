import { fileURLToPath } from "node:url";
import type { TaskFunction } from "manycore";

export { rejection, thrown } from "../helpers/failures.ts";

const WORK = new URL("../fixtures/process/work.js", import.meta.url);

const work = (await import(WORK.href)) as Readonly<Record<string, unknown>>;

/** A function that the tests run elsewhere, loaded by Node itself. */
export function fn(name: string): TaskFunction<unknown[], unknown> {
  if (typeof work[name] !== "function") throw new Error(`no fixture ${name}`);
  return work[name] as TaskFunction<unknown[], unknown>;
}

/** A class of the fixtures. */
export function classOf<C>(name: string): C {
  return work[name] as C;
}

/** A program below `test/fixtures/process`. */
export function program(name: string): string {
  return fileURLToPath(new URL(`../fixtures/process/${name}`, import.meta.url));
}
