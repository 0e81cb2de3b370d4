// One measurement of one rival; prints one number. The child of a process pair is this file again.
import { fork } from "node:child_process";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { isMain, Listener, pipe, Process, tasks } from "manycore";

const [rival, shape, kind, count] = process.argv.slice(2);
const total = Number(count);
const isBytes = shape !== "small";
const work = tasks(new URL("./work.mjs", import.meta.url));
const MESSAGES = {
  small: { id: 1, name: "abc", args: [1, 2] },
  "1 KiB": new Uint8Array(1024).fill(1),
  "1 MiB": new Uint8Array(1024 * 1024).fill(1),
};

/** Measures through `send(value)` and `answer()`: the other side counts, or echoes. */
async function run(send, answer) {
  const message = MESSAGES[shape];
  if (kind === "stream") {
    const begun = performance.now();
    for (let i = 0; i < total; i++) await send(message);
    await answer();
    return (total / (performance.now() - begun)) * 1000;
  }
  const micros = [];
  for (let i = 0; i < total; i++) {
    const begun = performance.now();
    await send(message);
    await answer();
    micros.push((performance.now() - begun) * 1000);
  }
  return micros.toSorted((a, b) => a - b)[total >> 1];
}

async function overConnection(here, there) {
  const child = await new Process({
    target: work.serve,
    args: [there, kind, total, isBytes],
  }).start();
  await here.recv();
  const found = await run(
    (value) => (isBytes ? here.sendBytes(value) : here.send(value)),
    () => (isBytes && kind !== "stream" ? here.recvBytes() : here.recv()),
  );
  here.close();
  await child.join();
  return found;
}

/** Waits for the next event of a kind of answer. */
function answers(subscribe) {
  const waiting = [];
  const early = [];
  subscribe((value) => (waiting.length > 0 ? waiting.shift()(value) : early.push(value)));
  return () => (early.length > 0 ? early.shift() : new Promise((resolve) => waiting.push(resolve)));
}

async function overProcessSend() {
  const child = fork(new URL("./echo-fork.mjs", import.meta.url), [kind, String(total)], {
    serialization: "advanced",
  });
  const answer = answers((take) => child.on("message", take));
  await answer();
  const found = await run((value) => new Promise((resolve) => child.send(value, resolve)), answer);
  child.disconnect();
  return found;
}

async function overMessagePort() {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { kind, total },
    argv: process.argv.slice(2),
  });
  const answer = answers((take) => worker.on("message", take));
  await answer();
  const found = await run((value) => worker.postMessage(value), answer);
  await worker.terminate();
  return found;
}

async function overBareSocket() {
  const path = join(tmpdir(), `bench-${process.pid}`);
  const server = createServer().listen(path);
  const child = fork(new URL("./echo-socket.mjs", import.meta.url), [
    path,
    kind,
    String(total),
    shape,
  ]);
  const socket = await new Promise((resolve) => server.once("connection", resolve));
  const size = shape === "small" ? 64 : MESSAGES[shape].length;
  const message = Buffer.alloc(size, 1);
  let got = 0;
  let wake;
  const wanted = kind === "stream" ? 1 : size;
  socket.on("data", (chunk) => {
    got += chunk.length;
    if (got >= wanted) wake?.();
  });
  const found = await run(
    () => new Promise((resolve) => socket.write(message, resolve)),
    async () => {
      if (got < wanted) await new Promise((resolve) => (wake = resolve));
      got -= wanted;
    },
  );
  socket.destroy();
  server.close();
  child.disconnect();
  return found;
}

async function measure() {
  switch (rival) {
    case "pipe":
      return overConnection(...pipe());
    case "listener unix":
    case "listener tcp": {
      const listener = await Listener.listen({ family: rival.slice(9), authKey: "k" });
      const { address } = listener;
      const child = await new Process({
        target: work.dial,
        args: [address, kind, total, isBytes],
      }).start();
      const here = await listener.accept();
      await here.recv();
      const found = await run(
        (value) => (isBytes ? here.sendBytes(value) : here.send(value)),
        () => (isBytes && kind !== "stream" ? here.recvBytes() : here.recv()),
      );
      here.close();
      listener.close();
      await child.join();
      return found;
    }
    case "process.send":
      return overProcessSend();
    case "MessagePort":
      return overMessagePort();
    default:
      return overBareSocket();
  }
}

if (!isMainThread) {
  let seen = 0;
  parentPort.on("message", (value) => {
    if (workerData.kind !== "stream") parentPort.postMessage(value);
    else if (++seen === workerData.total) parentPort.postMessage(seen);
  });
  parentPort.postMessage("ready");
} else if (isMain(import.meta)) {
  console.log(await measure());
}
