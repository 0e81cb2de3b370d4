import { describe, expect, test } from "vitest";
import { Process } from "manycore";
import {
  CancelWaitableTimer,
  CloseHandle,
  CreateEvent,
  CreateMutex,
  CreateSemaphore,
  CreateWaitableTimer,
  ERROR_ALREADY_EXISTS,
  EVENT_ALL_ACCESS,
  GetLastError,
  INFINITE,
  MUTEX_ALL_ACCESS,
  OpenEvent,
  OpenMutex,
  OpenSemaphore,
  OpenWaitableTimer,
  PulseEvent,
  ReleaseMutex,
  ReleaseSemaphore,
  ResetEvent,
  SEMAPHORE_ALL_ACCESS,
  SetEvent,
  SetWaitableTimer,
  TIMER_ALL_ACCESS,
  WAIT_ABANDONED_0,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
  WaitForMultipleObjects,
  WaitForMultipleObjectsAsync,
  WaitForSingleObject,
  WaitForSingleObjectAsync,
} from "../../dist/win32event/index.js";
import { useNamespace } from "../helpers/namespace.ts";
import { endPeers, Peer } from "../helpers/peer.ts";
import { runProgram } from "../helpers/leaks.ts";

useNamespace("win32event");
endPeers();

let made = 0;
const newName = (): string => `win32 ${++made}`;

describe("events", () => {
  test("of both kinds are set, reset and pulsed", async () => {
    const manual = CreateEvent(null, true, false, null);
    expect(WaitForSingleObject(manual, 0)).toBe(WAIT_TIMEOUT);
    SetEvent(manual);
    expect(WaitForSingleObject(manual, INFINITE)).toBe(WAIT_OBJECT_0);
    expect(WaitForSingleObject(manual)).toBe(WAIT_OBJECT_0);
    ResetEvent(manual);
    expect(WaitForSingleObject(manual, 5)).toBe(WAIT_TIMEOUT);
    const waiting = WaitForSingleObjectAsync(manual);
    PulseEvent(manual);
    expect(await waiting).toBe(WAIT_OBJECT_0);
    expect(WaitForSingleObject(manual, 0)).toBe(WAIT_TIMEOUT);

    const auto = CreateEvent(null, false, true, null);
    expect(WaitForSingleObject(auto, -1)).toBe(WAIT_OBJECT_0);
    expect(WaitForSingleObject(auto, 0)).toBe(WAIT_TIMEOUT);
    CloseHandle(auto);
  });

  test("that have a name are opened as they are", async () => {
    const name = newName();
    const event = CreateEvent(null, true, false, name);
    expect(GetLastError()).toBe(0);
    const again = CreateEvent(null, false, true, name);
    expect(GetLastError()).toBe(ERROR_ALREADY_EXISTS);
    expect([again.reset, again.isSet]).toEqual(["manual", false]);
    SetEvent(OpenEvent(EVENT_ALL_ACCESS, false, name));
    expect(WaitForSingleObject(event)).toBe(WAIT_OBJECT_0);
    expect(() => OpenEvent(EVENT_ALL_ACCESS, false, newName())).toThrow(/no event named/);
    expect(() => CreateMutex(null, false, name)).toThrow(/is a Event|is an Event/);
  });
});

describe("mutexes", () => {
  test("may be taken again by their holder, and are opened by name", () => {
    const name = newName();
    const mutex = CreateMutex(null, true, name);
    expect(GetLastError()).toBe(0);
    expect(WaitForSingleObject(mutex)).toBe(WAIT_OBJECT_0);
    ReleaseMutex(mutex);
    expect(mutex.locked).toBe(true);
    ReleaseMutex(OpenMutex(MUTEX_ALL_ACCESS, false, name));
    expect(mutex.locked).toBe(false);
    const second = CreateMutex(null, true, name);
    expect(GetLastError()).toBe(ERROR_ALREADY_EXISTS);
    expect(second.locked).toBe(false);
    expect(() => ReleaseMutex(mutex)).toThrow(/not held by this thread/);
    expect(() => OpenMutex(MUTEX_ALL_ACCESS, false, newName())).toThrow(/no mutex named/);
  });

  test("of the dead are abandoned, in each way of waiting", async () => {
    for (const way of ["single", "single async", "any", "all", "all async"]) {
      const name = newName();
      const mutex = CreateMutex(null, false, name);
      const event = CreateEvent(null, true, false, null);
      const holder = await Peer.process();
      await holder.run(({ RLock }, state, own: string) => {
        state.mutex = new RLock({ name: own });
        state.mutex.acquireSync();
      }, name);
      expect(WaitForSingleObject(mutex, 0)).toBe(WAIT_TIMEOUT);
      await holder.kill();
      if (way.startsWith("all")) SetEvent(event);
      const code = {
        single: () => WaitForSingleObject(mutex),
        "single async": () => WaitForSingleObjectAsync(mutex),
        any: () => WaitForMultipleObjects([event, mutex], false),
        all: () => WaitForMultipleObjects([event, mutex], true),
        "all async": () => WaitForMultipleObjectsAsync([event, mutex], true),
      }[way]!();
      expect([way, await code]).toEqual([
        way,
        WAIT_ABANDONED_0 + (way.startsWith("single") ? 0 : 1),
      ]);
      ReleaseMutex(mutex);
      expect(WaitForSingleObject(mutex)).toBe(WAIT_OBJECT_0);
    }
  });
});

describe("semaphores", () => {
  test("count, up to their maximum", () => {
    const name = newName();
    const semaphore = CreateSemaphore(null, 1, 2, name);
    expect(WaitForSingleObject(semaphore)).toBe(WAIT_OBJECT_0);
    expect(WaitForSingleObject(semaphore, 0)).toBe(WAIT_TIMEOUT);
    expect(ReleaseSemaphore(semaphore, 2)).toBe(0);
    const other = OpenSemaphore(SEMAPHORE_ALL_ACCESS, false, name);
    expect(() => ReleaseSemaphore(other)).toThrow(/can have 2/);
    expect(CreateSemaphore(null, 0, 9, name).value).toBe(2);
    expect(() => OpenSemaphore(SEMAPHORE_ALL_ACCESS, false, newName())).toThrow(/no semaphore/);
  });
});

describe("timers", () => {
  test("fall due after a time, at a time, again and again, or not at all", () => {
    const name = newName();
    const timer = CreateWaitableTimer(null, false, name);
    expect(WaitForSingleObject(timer, 0)).toBe(WAIT_TIMEOUT);
    const begun = performance.now();
    SetWaitableTimer(timer, -200_000);
    expect(WaitForSingleObject(timer)).toBe(WAIT_OBJECT_0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(19);
    SetWaitableTimer(timer, (BigInt(Date.now()) + 11_644_473_600_000n) * 10_000n);
    expect(WaitForSingleObject(timer, 10_000)).toBe(WAIT_OBJECT_0);
    SetWaitableTimer(OpenWaitableTimer(TIMER_ALL_ACCESS, false, name), 0, 5);
    for (let i = 0; i < 3; i++) expect(WaitForSingleObject(timer, 10_000)).toBe(WAIT_OBJECT_0);
    SetWaitableTimer(timer, -1e12);
    CancelWaitableTimer(timer);
    expect(WaitForSingleObject(timer, 5)).toBe(WAIT_TIMEOUT);
    expect(() => OpenWaitableTimer(TIMER_ALL_ACCESS, false, newName())).toThrow(/no timer/);
    const routine = (() => {}) as unknown as null;
    expect(() => SetWaitableTimer(timer, 0, 0, routine)).toThrow(/no completion routine/);
  });
});

describe("waits for several", () => {
  test("give the index of the one that was signaled, or 0 for all", async () => {
    const events = [0, 1, 2].map(() => CreateEvent(null, false, false, null));
    expect(WaitForMultipleObjects(events, false, 5)).toBe(WAIT_TIMEOUT);
    expect(WaitForMultipleObjects(events, true, 5)).toBe(WAIT_TIMEOUT);
    SetEvent(events[2]!);
    expect(WaitForMultipleObjects(events, true, 5)).toBe(WAIT_TIMEOUT);
    expect(WaitForMultipleObjects(events, false)).toBe(WAIT_OBJECT_0 + 2);
    const waiting = WaitForMultipleObjectsAsync(events, false, 30_000);
    SetEvent(events[1]!);
    expect(await waiting).toBe(WAIT_OBJECT_0 + 1);
    for (const event of events) SetEvent(event);
    expect(await WaitForMultipleObjectsAsync(events, true)).toBe(WAIT_OBJECT_0);
    expect(events.map((event) => event.isSet)).toEqual([false, false, false]);
    const many = Array.from({ length: 65 }, () => events[0]!);
    expect(() => WaitForMultipleObjects(many, false)).toThrow(RangeError);
  });

  test("and for one take processes too, in the event loop", async () => {
    const { giveBack } = (await import(
      new URL("../fixtures/sync/meetings.mjs", import.meta.url).href
    )) as Record<string, (value: unknown) => unknown>;
    const child = await new Process({ target: giveBack!, args: [1] }).start();
    expect(await WaitForSingleObjectAsync(child)).toBe(WAIT_OBJECT_0);
    expect(await WaitForMultipleObjectsAsync([child], true, 1000)).toBe(WAIT_OBJECT_0);
    CloseHandle(child);
  });
});

describe("the programs of the article", () => {
  const example = (name: string): URL => new URL(`../../examples/${name}`, import.meta.url);

  test("five processes take the mutex in turn, and go through the semaphore", async () => {
    const { code, stdout, stderr } = await runProgram(example("e01-named-mutex.mjs"));
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    const mutex = lines.filter((line) => line.includes("mutex"));
    expect(mutex).toHaveLength(10);
    for (let turn = 0; turn < 10; turn += 2) {
      const [, number] = /process (\d) has/.exec(mutex[turn]!)!;
      expect(mutex[turn + 1]).toBe(`process ${number} releases the mutex`);
    }
    expect(lines.filter((line) => line.endsWith(" is in"))).toHaveLength(5);
    let inside = 0;
    for (const line of lines) {
      if (line.endsWith(" is in")) inside++;
      if (line.endsWith(" is out")) inside--;
      expect(inside).toBeLessThanOrEqual(2);
    }
  });

  test("a thread goes on when the main thread sets the event", async () => {
    const { code, stdout } = await runProgram(example("e02-event.mjs"));
    expect(code).toBe(0);
    expect(stdout).toContain("the thread goes on: the event was set");
  });
});
