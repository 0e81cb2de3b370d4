import { fileURLToPath } from "node:url";
import { load } from "../rivals/load.mjs";

const { FixedClusterPool, FixedThreadPool } = await load("poolifier");

export function create({ workers, kind, options }) {
  const Pool = kind === "thread" ? FixedThreadPool : FixedClusterPool;
  const file = kind === "thread" ? "poolifier-thread.cjs" : "poolifier-cluster.cjs";
  const pool = new Pool(
    workers,
    fileURLToPath(new URL(`./workers/${file}`, import.meta.url)),
    options,
  );
  return {
    run: (name, arg) => pool.execute(arg, name),
    // Its workers cannot move a result, so the way back is a copy.
    transfer: (bytes) => pool.execute(bytes, "flip", undefined, [bytes.buffer]),
    map: (name, items) => pool.mapExecute(items, name),
    close: () => pool.destroy(),
  };
}
