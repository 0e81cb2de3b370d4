// Processes share a value under its lock, and fill a queue.
import { isMain, Process, Queue, SharedValue } from "manycore";

export async function work(
  total: SharedValue<"int32">,
  queue: Queue<string>,
  id: number,
): Promise<void> {
  await total.update((value) => value + id);
  await queue.put(`process ${id} is done`);
}

if (isMain(import.meta)) {
  const total = new SharedValue("int32", 0);
  const queue = new Queue<string>();
  const ids = [1, 2, 3, 4];
  const processes = ids.map((id) => new Process({ target: work, args: [total, queue, id] }));
  for (const process of processes) await process.start();
  const lines: string[] = [];
  for (const _ of ids) lines.push(await queue.get());
  for (const process of processes) await process.join();
  console.log(lines.sort().join("\n"));
  console.log(`total: ${total.value}`);
}
