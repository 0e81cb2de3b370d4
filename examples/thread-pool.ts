// ThreadPoolExecutor(5).map, in the order of the input.
import { isMain, ThreadPoolExecutor } from "manycore";

export function task(n: number): string {
  return `task ${n} done`;
}

if (isMain(import.meta)) {
  const executor = new ThreadPoolExecutor({ maxWorkers: 5 });
  for await (const line of executor.map(task, [1, 2, 3, 4, 5])) console.log(line);
  await executor.shutdown();
}
