// Many hands on one object, in threads whose sleeps last ten minutes: a wake-up that is lost is a hang here,
// not a delay. This thread itself only waits for them to end.
import { afterEach, expect, test } from "vitest";
import {
  BoundedSemaphore,
  Event,
  Lock,
  Process,
  RLock,
  RWLock,
  Semaphore,
  Thread,
  type TaskFunction,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { bounce, churn, churnReadWrite, countSignals } from "../fixtures/sync/primitives.mjs";

useNamespace("churn");
process.env["MANYCORE_SLICE_MS"] = "600000";

const THREADS = 4;
const TIMES = 300;

type Member = Thread<never[], unknown> | Process<never[], unknown>;
const members: Member[] = [];

afterEach(async () => {
  for (const member of members.splice(0)) {
    if (member.isAlive) member.terminate();
    await member.join();
  }
});

async function start(Kind: typeof Thread | typeof Process, target: unknown, args: unknown[]) {
  const member = new Kind({ target: target as TaskFunction<unknown[], unknown>, args });
  members.push(member);
  await member.start();
  return member.result;
}

const threads = (target: unknown, args: unknown[], count = THREADS): Promise<unknown>[] =>
  Array.from({ length: count }, () => start(Thread, target, args));

const memory = (): { buffer: SharedArrayBuffer; words: Int32Array } => {
  const buffer = new SharedArrayBuffer(16);
  return { buffer, words: new Int32Array(buffer) };
};

test.each([
  ["Lock", () => new Lock(), 1],
  ["RLock", () => new RLock(), 1],
  ["Semaphore", () => new Semaphore(2), 2],
  ["BoundedSemaphore", () => new BoundedSemaphore(2), 2],
] as const)("a %s is passed on among threads without a slice", async (_, make, limit) => {
  const object = make();
  const { buffer, words } = memory();
  await Promise.all(threads(churn, [object, buffer, limit, TIMES]));
  expect([...words]).toEqual([0, 0, 0, 0]);
});

test.each([
  ["Semaphore", () => new Semaphore(2)],
  ["BoundedSemaphore", () => new BoundedSemaphore(2)],
  ["RLock", () => new RLock()],
] as const)("a %s is passed on among processes without a slice", async (_, make) => {
  const object = make();
  const ends = [0, 1, 2].map(() =>
    start(Process, churn, [object, new ArrayBuffer(16), Infinity, TIMES]),
  );
  await Promise.all(ends);
  const { value } = object as { value?: number };
  expect(value ?? 2).toBe(2);
});

test("readers and writers exclude each other without a slice", async () => {
  const lock = new RWLock();
  const { buffer, words } = memory();
  await Promise.all(threads(churnReadWrite, [lock, buffer, TIMES]));
  expect([...words]).toEqual([0, 0, 0, 0]);
  expect(lock.readers).toBe(0);
  expect(lock.writing).toBe(false);
});

test("each set of an event with automatic reset lets one through without a slice", async () => {
  const event = new Event({ reset: "auto" });
  const done = new Semaphore(0);
  const { buffer, words } = memory();
  const all = threads(countSignals, [event, done, buffer, TIMES], 2);
  for (let i = 0; i < TIMES * 2; i++) {
    event.set();
    await done.acquire();
  }
  await Promise.all(all);
  expect(words[0]).toBe(TIMES * 2);
  expect(event.isSet).toBe(false);
});

test("a manual event is passed back and forth between processes without a slice", async () => {
  const [a, b] = [new Event(), new Event()];
  const ends = [start(Process, bounce, [a, b, TIMES]), start(Process, bounce, [b, a, TIMES])];
  a.set();
  expect(await Promise.all(ends)).toEqual([TIMES, TIMES]);
  expect([a.isSet, b.isSet]).toEqual([true, false]);
});
