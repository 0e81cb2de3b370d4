import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AdaptiveSpin } from "../../dist/util/adaptive-spin.js";

/** The platform as these tests have faked it; the package itself never uses the fakes. */
const faked = {
  now: () => performance.now(),
  nextTurn: (callback: () => void) => void setImmediate(callback),
};

/** Turns of the loop that are asked for, under a clock that only moves when told to. */
describe("AdaptiveSpin", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setImmediate", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Work comes `micros` after there was none. */
  function wait(spin: AdaptiveSpin, micros: number): void {
    spin.begin();
    vi.advanceTimersByTime(micros / 1000);
    spin.end();
  }

  test("lets the loop sleep until work has come quickly", () => {
    const spin = new AdaptiveSpin(faked);
    spin.begin();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    spin.end();
    spin.begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps the loop turning after quick work, until a wait is in vain", () => {
    const spin = new AdaptiveSpin(faked);
    wait(spin, 0);
    spin.begin();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(5);
    expect(vi.getTimerCount()).toBe(0);
    spin.begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stops turning when work comes, and never turns twice at a time", () => {
    const spin = new AdaptiveSpin(faked);
    wait(spin, 0);
    wait(spin, 0);
    spin.begin();
    spin.begin();
    expect(vi.getTimerCount()).toBe(1);
    spin.end();
    vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  /** A clock and a count of involuntary context switches that are set by hand. */
  function machine(): { at: (now: number) => void; switchedOut: () => void } {
    const clock = vi.spyOn(performance, "now");
    const usage = { ...process.resourceUsage(), involuntaryContextSwitches: 7 };
    vi.spyOn(process, "resourceUsage").mockImplementation(() => ({ ...usage }));
    return {
      at: (now) => void clock.mockReturnValue(now),
      switchedOut: () => void usage.involuntaryContextSwitches++,
    };
  }

  test("rests for a while when it is interrupted twice within few waits: others want the processor", () => {
    const { at, switchedOut } = machine();
    const spin = new AdaptiveSpin(faked);
    at(1);
    wait(spin, 0);
    spin.begin();
    at(1.05);
    switchedOut();
    vi.runOnlyPendingTimers();
    // The first interruption is one of those that every machine has.
    expect(vi.getTimerCount()).toBe(1);
    spin.end();
    spin.begin();
    at(1.1);
    switchedOut();
    vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(0);
    // Work that came quickly does not end the rest, time does.
    spin.end();
    wait(spin, 0);
    spin.begin();
    expect(vi.getTimerCount()).toBe(0);
    at(30);
    spin.end();
    at(30.1);
    wait(spin, 0);
    spin.begin();
    expect(vi.getTimerCount()).toBe(1);
  });

  test("rests for a while when it was in vain many times in a row, though work comes soon after", () => {
    const { at } = machine();
    const spin = new AdaptiveSpin(faked);
    let now = 1;
    at(now);
    spin.begin();
    spin.end();
    for (let round = 0; round < 8; round++) {
      spin.begin();
      expect(vi.getTimerCount()).toBe(1);
      at((now += 0.3));
      vi.runOnlyPendingTimers();
      expect(vi.getTimerCount()).toBe(0);
      spin.end();
    }
    spin.begin();
    expect(vi.getTimerCount()).toBe(0);
    spin.end();
    at((now += 20));
    spin.begin();
    expect(vi.getTimerCount()).toBe(1);
  });

  test.each([
    ["seldom interrupted", 5, true],
    ["delayed without having been switched out", 1, false],
  ])("keeps the loop turning when it is %s", (_, waitsBetween, isSwitchedOut) => {
    const { at, switchedOut } = machine();
    const spin = new AdaptiveSpin(faked);
    let now = 1;
    at(now);
    spin.begin();
    spin.end();
    for (let round = 0; round < 4; round++) {
      for (let i = 1; i < waitsBetween; i++) wait(spin, 0);
      spin.begin();
      at((now += 0.05));
      if (isSwitchedOut) switchedOut();
      vi.runOnlyPendingTimers();
      expect(vi.getTimerCount()).toBe(1);
      spin.end();
    }
  });
});
