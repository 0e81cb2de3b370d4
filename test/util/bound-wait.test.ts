import { describe, expect, test } from "vitest";
import { boundWait } from "../../dist/util/bound-wait.js";
import { timeoutOf } from "../../dist/util/wait-options.js";

/** Records what ends a wait, and settles with the first. */
function bounded(timeout: number, signal: AbortSignal | undefined) {
  const ends: unknown[] = [];
  let end: () => void;
  const first = new Promise<void>((resolve) => {
    const note = (what: unknown): void => {
      ends.push(what);
      resolve();
    };
    end = boundWait(timeout, signal, () => note("timeout"), note);
  });
  return { ends, first, end: () => end() };
}

/** Later than any timer of 1 ms that was set before. */
const later = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 5));

describe("a bounded wait", () => {
  test("hears of an abort with its reason, and of no timeout after it", async () => {
    const abort = new AbortController();
    const wait = bounded(1, abort.signal);
    abort.abort("changed my mind");
    await later();
    expect(wait.ends).toEqual(["changed my mind"]);
  });

  test("hears of its timeout, and of no abort after it", async () => {
    const abort = new AbortController();
    const wait = bounded(1, abort.signal);
    await wait.first;
    abort.abort("too late");
    expect(wait.ends).toEqual(["timeout"]);
  });

  test("hears of neither once it was ended", async () => {
    const abort = new AbortController();
    const wait = bounded(1, abort.signal);
    wait.end();
    abort.abort("too late");
    await later();
    expect(wait.ends).toEqual([]);
  });

  test.each([Infinity, 2 ** 31, 1e300])("of %s ms has no timer", async (timeout) => {
    const wait = bounded(timeout, undefined);
    await later();
    expect(wait.ends).toEqual([]);
    wait.end();
  });
});

test("the timeout of a wait is never negative, and that of an aborted one is not asked for", () => {
  expect(timeoutOf(undefined)).toBe(Infinity);
  expect(timeoutOf(undefined, 0)).toBe(0);
  expect(timeoutOf({ timeout: -5 })).toBe(0);
  expect(timeoutOf({}, 7)).toBe(7);
  const reason = new Error("changed my mind");
  expect(() => timeoutOf({ timeout: 5, signal: AbortSignal.abort(reason) })).toThrow(reason);
  expect(() => timeoutOf({ timeout: Number.NaN })).toThrow(RangeError);
});
