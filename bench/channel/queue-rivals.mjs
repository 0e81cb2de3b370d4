// One measurement of one rival; prints one number.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { isMain, Process, Queue, tasks, Thread } from "manycore";
import { MESSAGES } from "./queue-work.mjs";

const work = tasks(new URL("./queue-work.mjs", import.meta.url));
const [rival, shape, kind, count, senders] = process.argv.slice(2);
const producers = Number(senders);
const each = Math.floor(Number(count) / producers);
const total = each * producers;

/** Messages a second through `next`, after all senders were told to begin. */
async function rate(begin, next) {
  begin();
  await next();
  const start = performance.now();
  for (let i = 1; i < total; i++) await next();
  return (total - 1) / ((performance.now() - start) / 1000);
}

async function trip(message, ask) {
  const micros = [];
  for (let i = 0; i < total; i++) {
    const start = performance.now();
    await ask(message);
    micros.push((performance.now() - start) * 1000);
  }
  return micros.toSorted((a, b) => a - b)[total >> 1];
}

async function overQueue() {
  const isSync = rival.endsWith("sync");
  const Kind = rival.endsWith("threads") ? Thread : Process;
  const queue = new Queue();
  const back = new Queue();
  const gate = new Queue();
  const target = kind === "stream" ? work.send : work.echo;
  const children = await Promise.all(
    Array.from({ length: producers }, () =>
      new Kind({ target, args: [queue, back, gate, shape, each, isSync] }).start(),
    ),
  );
  for (let i = 0; i < producers; i++) await gate.get();
  let figure;
  if (kind === "stream") {
    const begin = () => {
      for (let i = 0; i < producers; i++) back.putNowait("begin");
    };
    if (isSync) {
      begin();
      queue.getSync();
      const start = performance.now();
      for (let i = 1; i < total; i++) queue.getSync();
      figure = (total - 1) / ((performance.now() - start) / 1000);
    } else figure = await rate(begin, () => queue.get());
  } else {
    figure = await trip(MESSAGES[shape], async (message) => {
      if (isSync) {
        queue.putSync(message);
        back.getSync();
      } else {
        await queue.put(message);
        await back.get();
      }
    });
  }
  await Promise.all(children.map((child) => child.join()));
  return figure;
}

async function overMessages() {
  const file = fileURLToPath(new URL("./queue-peer.mjs", import.meta.url));
  const args = [kind, shape, String(each)];
  const peers = Array.from({ length: producers }, () =>
    rival === "MessagePort"
      ? new Worker(file, { argv: args })
      : fork(file, args, { serialization: rival.endsWith("json") ? "json" : "advanced" }),
  );
  const send = (peer, message) =>
    rival === "MessagePort" ? peer.postMessage(message) : peer.send(message);
  await Promise.all(peers.map((peer) => once(peer, "message")));
  if (kind !== "stream") {
    return trip(MESSAGES[shape], (message) => {
      const answered = once(peers[0], "message");
      send(peers[0], message);
      return answered;
    });
  }
  let seen = 0;
  let start = 0;
  const ended = new Promise((resolve) => {
    for (const peer of peers) {
      peer.on("message", () => {
        if (++seen === 1) start = performance.now();
        else if (seen === total) resolve((total - 1) / ((performance.now() - start) / 1000));
      });
    }
  });
  for (const peer of peers) send(peer, "begin");
  return ended;
}

if (isMain(import.meta)) {
  console.log(await (rival.startsWith("Queue") ? overQueue() : overMessages()));
  process.exit(0);
}
