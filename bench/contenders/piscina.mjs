import { fileURLToPath } from "node:url";
import { load } from "../rivals/load.mjs";

const { Piscina } = await load("piscina");

export function create({ workers, purpose, options }) {
  const file = purpose === "buffer-transfer" ? "./workers/piscina.mjs" : "../tasks.mjs";
  const pool = new Piscina({
    filename: fileURLToPath(new URL(file, import.meta.url)),
    minThreads: workers,
    maxThreads: workers,
    ...options,
  });
  return {
    run: (name, arg) => pool.run(arg, { name }),
    transfer: async (bytes) =>
      new Uint8Array(await pool.run(bytes, { name: "flipMoved", transferList: [bytes.buffer] })),
    close: () => pool.destroy(),
  };
}
