// Ten processes put squares into a queue, the main process reads them.
import { isMain, Process, Queue } from "manycore";

export async function square(queue: Queue<number>, n: number): Promise<void> {
  await queue.put(n * n);
}

if (isMain(import.meta)) {
  const queue = new Queue<number>();
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const processes = numbers.map((n) => new Process({ target: square, args: [queue, n] }));
  for (const process of processes) await process.start();
  const squares: number[] = [];
  for (const _ of numbers) squares.push(await queue.get());
  for (const process of processes) await process.join();
  console.log(squares.sort((a, b) => a - b).join(" "));
}
