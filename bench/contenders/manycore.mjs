import { Pool, ProcessPoolExecutor, ThreadPoolExecutor } from "manycore";
import * as tasks from "../tasks.mjs";
import { flipMoved } from "./workers/manycore.mjs";

/** Workers start at the first call, so the executor costs nothing where only `map` is measured, and the other way round. */
export function create({ workers, kind }) {
  const Executor = kind === "thread" ? ThreadPoolExecutor : ProcessPoolExecutor;
  const executor = new Executor({ maxWorkers: workers });
  let pool;
  return {
    run: (name, arg) => executor.submit(tasks[name], arg),
    map(name, items, { chunkSize }) {
      pool ??= new Pool({ workers, kind });
      return pool.map(tasks[name], items, chunkSize === undefined ? {} : { chunkSize });
    },
    transfer: (bytes) => executor.with({ transfer: [bytes.buffer] }).submit(flipMoved, bytes),
    async close() {
      await executor.shutdown();
      if (pool === undefined) return;
      pool.close();
      await pool.join();
    },
  };
}
