// The other side of process.send and of a MessagePort.
import { parentPort } from "node:worker_threads";
import { MESSAGES } from "./work.mjs";

const [kind, shape, count] = process.argv.slice(2);
const send = parentPort ? (value) => parentPort.postMessage(value) : (value) => process.send(value);
(parentPort ?? process).on("message", (value) => {
  if (kind !== "stream") send(value);
  else void stream();
});

async function stream() {
  for (let i = 0; i < Number(count); i++) {
    send(MESSAGES[shape]);
    // Without a pause now and then nothing leaves before the end.
    if (i % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

send("ready");
