import { fileURLToPath } from "node:url";
import { load } from "../rivals/load.mjs";

const { default: workerpool } = await load("workerpool");

export function create({ workers, options }) {
  const pool = workerpool.pool(
    fileURLToPath(new URL("./workers/workerpool.cjs", import.meta.url)),
    { minWorkers: workers, maxWorkers: workers, ...options },
  );
  return {
    run: (name, arg) => pool.exec(name, [arg]),
    transfer: (bytes) => pool.exec("flipMoved", [bytes], { transfer: [bytes.buffer] }),
    close: () => pool.terminate(),
  };
}
