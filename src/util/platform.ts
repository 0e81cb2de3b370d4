import * as nodeTimers from "node:timers";
import { perfHooks } from "./builtin.ts";

/**
 * The functions of the platform that test tools replace, as they were when the package was loaded.
 *
 * Fake timers (jest, vitest, sinon, `node:test`) stop the clock of the code under test. This package keeps
 * its own: who waits for another thread or process waits in real time, whatever the tests of a program do.
 * So no other module uses these globals; a lint rule sees to it. The timers are taken from `node:timers`,
 * which jest leaves alone, so that the package may also be loaded when its fakes are installed.
 */

type AnyFunction = (...args: never[]) => unknown;

/**
 * The function behind a fake one. `@sinonjs/fake-timers`, on which jest and vitest rest, puts its clock on
 * each function it makes, and keeps there what it replaced.
 */
function behindFake<T extends AnyFunction>(name: string, found: T): T {
  const { clock } = found as { clock?: Readonly<Record<string, unknown>> };
  const original = clock?.[`_${name}`];
  return typeof original === "function" ? (original as T) : found;
}

export const setTimeout: typeof nodeTimers.setTimeout = behindFake(
  "setTimeout",
  nodeTimers.setTimeout,
);
export const clearTimeout: typeof nodeTimers.clearTimeout = behindFake(
  "clearTimeout",
  nodeTimers.clearTimeout,
);
export const setInterval: typeof nodeTimers.setInterval = behindFake(
  "setInterval",
  nodeTimers.setInterval,
);
export const clearInterval: typeof nodeTimers.clearInterval = behindFake(
  "clearInterval",
  nodeTimers.clearInterval,
);
export const setImmediate: typeof nodeTimers.setImmediate = behindFake(
  "setImmediate",
  nodeTimers.setImmediate,
);

export const queueMicrotask: typeof globalThis.queueMicrotask = behindFake(
  "queueMicrotask",
  globalThis.queueMicrotask,
);

export const Date: DateConstructor = behindFake("Date", globalThis.Date);

// oxlint-disable-next-line typescript/unbound-method -- it is bound
const realNextTick = behindFake("nextTick", process.nextTick);
/** `process.nextTick`. */
export const nextTick: typeof process.nextTick = realNextTick.bind(process);

/** `process.hrtime`. */
export const hrtime: (time?: [number, number]) => [number, number] = behindFake(
  "hrtime",
  process.hrtime,
).bind(process);

/** Milliseconds since the package was loaded. */
function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return (seconds - since[0]) * 1e3 + (nanoseconds - since[1]) / 1e6;
}
const since = hrtime();

let timeOrigin: number | undefined;

/** The used part of `performance`: a clock that no change of the system's time moves. */
export const performance: { readonly now: () => number; readonly timeOrigin: number } = {
  // Of `hrtime`, as loading `node:perf_hooks` takes more time than the rest of the import.
  now,
  /** When `now()` was 0, in milliseconds since 1970. */
  get timeOrigin() {
    if (timeOrigin === undefined) {
      const clock = perfHooks().performance;
      // oxlint-disable-next-line typescript/unbound-method -- it is bound
      const clockNow = behindFake("now", clock.now).bind(clock);
      timeOrigin = clock.timeOrigin + clockNow() - now();
    }
    return timeOrigin;
  },
};
