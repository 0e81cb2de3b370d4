// Five processes take a named mutex in turn, then pass a named semaphore two at a time.
import { isMain, Lock, Process, Semaphore } from "manycore";

export async function inTurn(name: string, id: number): Promise<void> {
  const mutex = new Lock({ name });
  await mutex.run(() => {
    console.log(`process ${id} has the mutex`);
  });
}

export async function twoAtATime(name: string, id: number): Promise<void> {
  const semaphore = new Semaphore(2, { name });
  await semaphore.run(() => {
    console.log(`process ${id} has a permit`);
  });
}

if (isMain(import.meta)) {
  const name = `example-${process.pid}`;
  // An object lasts as long as anybody has it open: these two do from the first process to the last.
  const mutex = new Lock({ name: `${name}-mutex` });
  const semaphore = new Semaphore(2, { name: `${name}-semaphore` });
  for (const [target, suffix] of [
    [inTurn, "mutex"],
    [twoAtATime, "semaphore"],
  ] as const) {
    const processes = [1, 2, 3, 4, 5].map(
      (id) => new Process({ target, args: [`${name}-${suffix}`, id] }),
    );
    for (const process of processes) await process.start();
    for (const process of processes) await process.join();
  }
  console.log(`free again: ${!mutex.locked}, permits: ${semaphore.value}`);
}
