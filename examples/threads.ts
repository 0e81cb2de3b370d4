// Threads with a lock, ten threads through a semaphore of three, and an event that the main thread sets.
import { Event, isMain, Lock, Semaphore, SharedValue, Thread } from "manycore";

export function deposit(lock: Lock, balance: SharedValue<"int32">, times: number): void {
  for (let i = 0; i < times; i++) {
    lock.acquireSync();
    balance.value += 1;
    lock.release();
  }
}

export async function pass(semaphore: Semaphore, passed: SharedValue<"int32">): Promise<void> {
  await semaphore.run(() => {
    passed.add(1);
  });
}

export function waitForStart(event: Event): string {
  event.waitSync();
  return "started";
}

if (isMain(import.meta)) {
  const lock = new Lock();
  const balance = new SharedValue("int32", 0);
  await all([1, 2].map(() => new Thread({ target: deposit, args: [lock, balance, 1000] })));
  console.log(`balance: ${balance.value}`);

  const semaphore = new Semaphore(3);
  const passed = new SharedValue("int32", 0);
  await all(
    Array.from({ length: 10 }, () => new Thread({ target: pass, args: [semaphore, passed] })),
  );
  console.log(`passed: ${passed.value}`);

  const event = new Event();
  const waiter = await new Thread({ target: waitForStart, args: [event] }).start();
  event.set();
  console.log(await waiter.result);
}

async function all(threads: Thread<never[], unknown>[]): Promise<void> {
  for (const thread of threads) await thread.start();
  for (const thread of threads) await thread.join();
}
