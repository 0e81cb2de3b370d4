// The least a worker can do: one message in, one message out, no error handling.
import { parentPort } from "node:worker_threads";
import * as tasks from "../../tasks.mjs";
import { reviveBytes } from "../bytes.mjs";

if (parentPort) {
  parentPort.on("message", ({ id, name, arg, move }) => {
    const value = tasks[name](arg);
    parentPort.postMessage({ id, value }, move ? [value.buffer] : []);
  });
} else {
  process.on("message", ({ id, name, arg }) => {
    process.send({ id, value: tasks[name](reviveBytes(arg)) });
  });
}
