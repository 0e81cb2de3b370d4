// Ten threads count to a number together, under a lock.
import { isMain, Lock, SharedValue, Thread } from "manycore";

export function increment(lock: Lock, counter: SharedValue<"int32">, times: number): void {
  for (let i = 0; i < times; i++) {
    lock.acquireSync();
    counter.value += 1;
    lock.release();
  }
}

if (isMain(import.meta)) {
  const lock = new Lock();
  const counter = new SharedValue("int32", 0);
  const threads = Array.from(
    { length: 10 },
    () => new Thread({ target: increment, args: [lock, counter, 100] }),
  );
  for (const thread of threads) await thread.start();
  for (const thread of threads) await thread.join();
  console.log(`counter: ${counter.value}`);
}
