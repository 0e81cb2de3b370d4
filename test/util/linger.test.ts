import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Linger } from "../../dist/util/linger.js";

/** Turns of the loop that are asked for, under a clock that only moves when told to. */
describe("Linger", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setImmediate", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Work comes `micros` after there was none. */
  function wait(linger: Linger, micros: number): void {
    linger.begin();
    vi.advanceTimersByTime(micros / 1000);
    linger.end();
  }

  test("lets the loop sleep until work has come quickly", () => {
    const linger = new Linger();
    linger.begin();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    linger.end();
    linger.begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps the loop turning after quick work, until a wait is in vain", () => {
    const linger = new Linger();
    wait(linger, 0);
    linger.begin();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(5);
    expect(vi.getTimerCount()).toBe(0);
    linger.begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stops turning when work comes, and never turns twice at a time", () => {
    const linger = new Linger();
    wait(linger, 0);
    wait(linger, 0);
    linger.begin();
    linger.begin();
    expect(vi.getTimerCount()).toBe(1);
    linger.end();
    vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rests for a while when a turn was interrupted: others want the processor", () => {
    const clock = vi.spyOn(performance, "now");
    const at = (now: number): void => void clock.mockReturnValue(now);
    const linger = new Linger();
    at(1);
    wait(linger, 0);
    linger.begin();
    expect(vi.getTimerCount()).toBe(1);
    at(1.05);
    vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(0);
    // Work that came quickly does not end the rest, time does.
    linger.end();
    wait(linger, 0);
    linger.begin();
    expect(vi.getTimerCount()).toBe(0);
    at(30);
    linger.end();
    at(30.1);
    wait(linger, 0);
    linger.begin();
    expect(vi.getTimerCount()).toBe(1);
  });
});
