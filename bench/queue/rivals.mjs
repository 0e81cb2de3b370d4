// One measurement of one rival; prints one number, for a stream two: of as many messages as were asked for, and of as
// many more after them.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { isMain, Process, Queue, tasks, Thread } from "manycore";
import { MESSAGES } from "./work.mjs";

const work = tasks(new URL("./work.mjs", import.meta.url));
const [rival, shape, kind, count, senders] = process.argv.slice(2);
const producers = Number(senders);
const each = Math.floor(Number(count) / producers);
const total = each * producers;
/** Messages of each sender. */
const sent = kind === "stream" ? 2 * each : each;

/** Tells the rates of both halves of what arrives. */
class Meter {
  figures = [];
  #seen = 0;
  #start = 0;

  /** One more has arrived. @returns whether it was the last. */
  count() {
    if (++this.#seen % total === 0) this.#end();
    else if (this.#seen === 1) this.#start = performance.now();
    return this.#seen === 2 * total;
  }

  #end() {
    const now = performance.now();
    // The clock of the first half runs from the first message.
    const passed = this.figures.length === 0 ? total - 1 : total;
    this.figures.push(passed / ((now - this.#start) / 1000));
    this.#start = now;
  }
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
      new Kind({ target, args: [queue, back, gate, shape, sent, isSync] }).start(),
    ),
  );
  for (let i = 0; i < producers; i++) await gate.get();
  let figure;
  if (kind === "stream") {
    const meter = new Meter();
    for (let i = 0; i < producers; i++) back.putNowait("begin");
    let isOver = false;
    while (!isOver) {
      if (isSync) queue.getSync();
      else await queue.get();
      isOver = meter.count();
    }
    figure = meter.figures.join(" ");
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
  const file = fileURLToPath(new URL("./peer.mjs", import.meta.url));
  const args = [kind, shape, String(sent)];
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
  const meter = new Meter();
  const ended = new Promise((resolve) => {
    for (const peer of peers) {
      peer.on("message", () => {
        if (meter.count()) resolve(meter.figures.join(" "));
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
