import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { reviveBytes } from "./bytes.mjs";

const FILE = new URL("./workers/raw.mjs", import.meta.url);

/**
 * Round robin, a table of callbacks, no queue, nothing for a worker that dies: what messages alone cost.
 * One message per task in each direction.
 */
export function create({ workers, kind, options }) {
  const waiting = new Map();
  const json = kind === "process" && options.serialization !== "advanced";
  const settle = ({ id, value }) => {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve(json ? reviveBytes(value) : value);
  };
  const crew = Array.from({ length: options.workers ?? workers }, () => {
    const worker =
      kind === "thread"
        ? new Worker(FILE)
        : fork(fileURLToPath(FILE), { serialization: options.serialization });
    return worker.on("message", settle);
  });
  let next = 0;
  const call = (message, moved) =>
    new Promise((resolve) => {
      const id = next++;
      message.id = id;
      waiting.set(id, resolve);
      const worker = crew[id % crew.length];
      if (kind === "thread") worker.postMessage(message, moved);
      else worker.send(message);
    });
  return {
    run: (name, arg) =>
      call({ name, arg: json && arg instanceof Uint8Array ? Buffer.from(arg.buffer) : arg }),
    transfer: (bytes) => call({ name: "flip", arg: bytes, move: true }, [bytes.buffer]),
    async close() {
      if (kind === "thread") await Promise.all(crew.map((worker) => worker.terminate()));
      else for (const worker of crew) worker.disconnect();
    },
  };
}
