import { fileURLToPath } from "node:url";
import type { TaskFunction } from "manycore";

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

/** The error a promise rejects with; fails when it does not. */
export async function rejection<E = Error & { code?: string }>(
  promise: PromiseLike<unknown>,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error("expected a rejection, got a value");
}

/** The error a call throws; fails when it does not. */
export function thrown(call: () => unknown): Error & { code?: string } {
  try {
    call();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error("expected an error, got a value");
}
