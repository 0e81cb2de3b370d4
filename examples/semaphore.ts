// Semaphore(2) in front of five processes: never more than two inside.
import { setTimeout as sleep } from "node:timers/promises";
import { isMain, Process, Semaphore, SharedArray } from "manycore";

export async function worker(
  semaphore: Semaphore,
  seats: SharedArray<"int32">,
  id: number,
): Promise<void> {
  await semaphore.run(async () => {
    const inside = Atomics.add(seats.array, 0, 1) + 1;
    console.log(`process ${id} acquired${inside > 2 ? ": too many!" : ""}`);
    await sleep(20);
    Atomics.sub(seats.array, 0, 1);
  });
}

if (isMain(import.meta)) {
  const semaphore = new Semaphore(2);
  const seats = new SharedArray("int32", 1);
  const workers = [1, 2, 3, 4, 5].map(
    (id) => new Process({ target: worker, args: [semaphore, seats, id] }),
  );
  for (const process of workers) await process.start();
  for (const process of workers) await process.join();
  console.log(`permits: ${semaphore.value}`);
}
