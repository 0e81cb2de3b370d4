import { inspect } from "node:util";
import { expect, test } from "vitest";
import { BoundedSemaphore, Event, Lock, RWLock, Semaphore, Thread, WaitableTimer } from "manycore";
import { takeCensus } from "../../dist/parking/index.js";
import { describeState } from "../../dist/sync/index.js";
import { useNamespace } from "../helpers/namespace.ts";
import { makeAndClose } from "../fixtures/sync/primitives.mjs";

useNamespace("terminated");

test("a thread that is terminated in the middle of making an object does not lock the others out", async () => {
  for (let round = 0; round < 5; round++) {
    const begun = new Event();
    const thread = await new Thread({ target: makeAndClose, args: [begun] }).start();
    await begun.wait();
    thread.terminate();
    await thread.join();
    // A TimeoutError after 10 s if the thread took the arena's lock with it.
    expect(inspect(new Lock())).toBe("Lock { nobody }");
  }
});

test("what is seen from outside tells the state of each kind", () => {
  const objects = [
    new Semaphore(3, { name: "semaphore" }),
    new BoundedSemaphore(50, { name: "bounded" }),
    new Event({ name: "event", signaled: true }),
    new RWLock({ name: "readers" }),
    new RWLock({ name: "writer" }),
    new RWLock({ name: "idle" }),
    new WaitableTimer({ name: "timer" }),
    new WaitableTimer({ name: "due" }),
  ] as const;
  objects[1].acquireSync();
  objects[7].set(0);
  const guards = [objects[3].readSync(), objects[4].writeSync()];
  const { arena, objects: seen } = takeCensus(process.env["MANYCORE_NAMESPACE"]!)!;
  const states = Object.fromEntries(
    seen
      .filter(({ name }) => name !== undefined)
      .map((object) => [object.name, describeState(arena, object)]),
  );
  const me = expect.stringContaining(`(pid ${process.pid})`) as string;
  expect(states).toEqual({
    semaphore: { text: "3 permits free", holders: [] },
    bounded: { text: "49 of 50 permits free", holders: [{ slot: 0, name: me, forMs: null }] },
    event: { text: "set", holders: [] },
    readers: {
      text: expect.stringMatching(/^read by .*pid/),
      holders: [{ slot: 0, name: me, forMs: null }],
    },
    writer: {
      text: expect.stringMatching(/^written by .*pid/),
      holders: [{ slot: 0, name: me, forMs: null }],
    },
    idle: { text: "free", holders: [] },
    timer: { text: "not set", holders: [] },
    due: { text: "due", holders: [] },
  });
  for (const guard of guards) guard.release();
  for (const object of objects) object.close();
});
