// Pool.map, as in Python: `Pool(4).map(square, range(10))`, and five slow calls at once.
import { setTimeout as sleep } from "node:timers/promises";
import { isMain, Pool } from "manycore";

export function square(x: number): number {
  return x * x;
}

export async function slow(x: number): Promise<number> {
  await sleep(50);
  return x + 1;
}

if (isMain(import.meta)) {
  const pool = new Pool({ workers: 4 });
  console.log(await pool.map(square, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  console.log(await pool.map(slow, [1, 2, 3, 4, 5]));
  pool.close();
  await pool.join();
}
