import { Lock } from "manycore";
import { afterEach, describe, expect, test } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("waits");
const { participant } = (await import(
  new URL("../../dist/parking/index.js", import.meta.url).href
)) as typeof import("../../src/parking/index.ts");
const { usedSlots } = (await import(
  new URL("../../dist/parking/sweep.js", import.meta.url).href
)) as typeof import("../../src/parking/sweep.ts");
const { slotsIn, takeCensus } = (await import(
  new URL("../../dist/parking/census.js", import.meta.url).href
)) as typeof import("../../src/parking/census.ts");
const { CELL } = (await import(
  new URL("../../dist/memory/index.js", import.meta.url).href
)) as typeof import("../../src/memory/index.ts");

const locks: Lock[] = [];
function make(name: string): Lock {
  const lock = new Lock({ name });
  locks.push(lock);
  return lock;
}
afterEach(() => {
  for (const lock of locks.splice(0)) lock.close();
});

/** The words of a lock: its state, who starves, and which slots sleep. */
function wordsOf(name: string): { state: number; starving: number; waiters: number[] } {
  const census = takeCensus(process.env["MANYCORE_NAMESPACE"]!)!;
  const { place } = census.objects.find((object) => object.name === name)!;
  return {
    state: place.ints[place.base + CELL.state]!,
    starving: place.ints[place.base + CELL.starving]!,
    waiters: slotsIn(place, CELL.waiters),
  };
}
const FREE = { state: 0, starving: 0, waiters: [] };

describe("a wait that ends without success leaves no trace", () => {
  test.each([
    ["by its timeout", (lock: Lock) => lock.acquire({ timeout: 30 })],
    ["by its signal", (lock: Lock) => lock.acquire({ signal: AbortSignal.timeout(30) })],
    [
      "by its timeout, after it asked to be handed it",
      (lock: Lock) => lock.acquire({ timeout: 300 }),
    ],
  ])("%s", async (_how, wait) => {
    const lock = make("trace");
    await lock.acquire();
    const isTaken = await wait(lock).catch(() => false);
    expect(isTaken).toBe(false);
    lock.release();
    expect(wordsOf("trace")).toEqual(FREE);
  });

  test("and an aborted signal rejects, as all that is asynchronous", async () => {
    const lock = make("rejects");
    const reason = new Error("no");
    const promise = lock.acquire({ signal: AbortSignal.abort(reason) });
    await expect(promise).rejects.toBe(reason);
    expect(wordsOf("rejects")).toEqual(FREE);
  });
});

test("a task that takes a lock again and again does not starve its siblings", async () => {
  const lock = make("siblings");
  await lock.acquire();
  const served = { count: 0 };
  const sibling = lock.acquire().then(() => {
    served.count++;
    lock.release();
  });
  const begun = performance.now();
  // Each time it is back before the sibling's turn has come.
  while (served.count === 0 && performance.now() - begun < 10_000) {
    await new Promise((resolve) => setImmediate(resolve));
    lock.release();
    await lock.acquire();
  }
  expect(served.count).toBe(1);
  lock.release();
  await sibling;
  expect(wordsOf("siblings")).toEqual(FREE);
});

test("a lock that is closed while it is waited for and held stays what it is until then", async () => {
  const lock = new Lock();
  const { arena } = participant();
  const used = (): number => arena.cellsUsed;
  await lock.acquire();
  const waiting = lock.acquire();
  lock.close();
  // Cells that are freed are used again, sooner or later: not this one.
  const others = Array.from({ length: used() + 2000 }, () => new Lock());
  for (const other of others) expect(other.tryAcquire()).toBe(true);
  lock.release();
  expect(await waiting).toBe(true);
  for (const other of others) expect(other.locked).toBe(true);
  lock.release();
  for (const other of others) {
    other.release();
    other.close();
  }
});

test("this thread has one slot, whatever it does", () => {
  const self = participant();
  expect(usedSlots(self.arena)).toBeGreaterThan(self.slot);
  expect(self.bells.isAlive(self.slot, self.generation)).toBe(true);
  expect(self.bells.isAlive(self.slot, self.generation + 1)).toBe(false);
  expect(self.bells.ring(self.slot)).toBe(true);
  expect(self.sleep(-1, 1000)).toBe(true);
  expect(self.sleep(-1, 0)).toBe(false);
});

test("a bell that is full counts as rung", () => {
  const self = participant();
  for (let i = 0; i < 70_000; i++) expect(self.bells.ring(self.slot)).toBe(true);
  while (self.sleep(-1, 0));
});
