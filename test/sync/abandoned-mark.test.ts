import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Lock, RLock, RWLock, SharedArray } from "manycore";
import { cleanNamespace, participant, sweepDead, takeCensus } from "../../dist/parking/index.js";
import { waitForDeath } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { startProgram, untilLine } from "../helpers/run-program.ts";

useNamespace("abandoned-mark");
const PROGRAM = fileURLToPath(new URL("../fixtures/sync/holds-named.mjs", import.meta.url));

/** Has another process take the lock, kills it, and waits until nobody is left who has it open. */
async function killHolder(way: string, name: string): Promise<void> {
  const holder = startProgram(PROGRAM, [way, name]);
  await untilLine(holder, /^held$/m);
  holder.child.kill("SIGKILL");
  await holder.ended;
  await waitForDeath(holder.pid);
}

/** How many objects there are when the dead have been swept, as everybody does who comes or goes. */
function objects(): number {
  const { arena, bells } = participant();
  arena.exclusively(() => sweepDead(arena, bells));
  return takeCensus(process.env["MANYCORE_NAMESPACE"]!)?.objects.length ?? 0;
}

describe("that the holder of a lock died is told to the next one, also when nobody had it open any more:", () => {
  test.each([
    ["Lock", (name: string) => new Lock({ name })],
    ["RLock", (name: string) => new RLock({ name })],
  ] as const)("a named %s", async (way, open) => {
    const name = `named-${way}`;
    await killHolder(way, name);
    const lock = open(name);
    expect(await lock.acquire()).toBe(true);
    expect(lock.abandoned).toBe(true);
    lock.release();
    expect(await lock.acquire()).toBe(true);
    expect(lock.abandoned).toBe(false);
    lock.release();
    lock.close();
    expect(objects()).toBe(0);
  });

  test("a named lock that somebody only looked at meanwhile", async () => {
    await killHolder("Lock", "looked-at");
    new Lock({ name: "looked-at" }).close();
    const lock = new Lock({ name: "looked-at" });
    expect(lock.tryAcquire()).toBe(true);
    expect(lock.abandoned).toBe(true);
    lock.release();
    lock.close();
  });

  test("a named RWLock, until another writer is through", async () => {
    await killHolder("RWLock", "written");
    const lock = new RWLock({ name: "written" });
    const reading = await lock.read();
    expect(reading.abandoned).toBe(true);
    reading.release();
    (await lock.write()).release();
    const again = await lock.read();
    expect(again.abandoned).toBe(false);
    again.release();
    lock.close();
    expect(objects()).toBe(0);
  });

  test.each([
    ["SharedArray", (name: string) => SharedArray.open("int32", name)],
    ["SharedArray with a lock of its own", (name: string) => SharedArray.open("int32", name)],
  ] as const)("the lock of a persistent %s", async (way, open) => {
    const name = `persistent ${way}`;
    await killHolder(way, name);
    const object = open(name);
    const lock = object.lock!;
    expect(await lock.acquire()).toBe(true);
    expect(lock.abandoned).toBe(true);
    lock.release();
    object.unlink();
    object.close();
    lock.close();
    expect(objects()).toBe(0);
  });

  test("unlinked without being taken, a persistent object leaves no lock behind", async () => {
    await killHolder("SharedArray", "unlinked");
    const array = SharedArray.open("int32", "unlinked");
    const lock = array.lock!;
    array.unlink();
    array.close();
    lock.close();
    expect(objects()).toBe(0);
  });

  test("`manycore clean` takes the mark away", async () => {
    await killHolder("Lock", "cleaned");
    new Lock({ name: "cleaned" }).close();
    expect(objects()).toBe(1);
    cleanNamespace(process.env["MANYCORE_NAMESPACE"]!);
    expect(objects()).toBe(0);
  });
});
