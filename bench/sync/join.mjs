// One program whose threads make their first shared object at the same moment, and let go of it together: how long
// it takes until all of them have joined, and until all of them have left.
//   node bench/sync/join.mjs 1024          threads of this program
//   node bench/sync/join.mjs 300 process   unrelated processes
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Lock } from "manycore";

/** Kept, so that nobody leaves before all have joined. */
const locks = [];
const READY = 0;
const GATE = 1;
const FAILED = 2;
const JOINED = 3;

if (!isMainThread) {
  const words = new Int32Array(workerData);
  join(words);
  parentPort.close();
} else if (process.argv[2] === "one") {
  await joinFromOutside();
} else {
  const count = Number(process.argv[2] ?? 1024);
  const result = process.argv[3] === "process" ? await processes(count) : await threads(count);
  console.log(JSON.stringify(result));
}

/** In a thread: waits for the others, joins, waits for the others again, ends. */
function join(words) {
  Atomics.add(words, READY, 1);
  Atomics.wait(words, GATE, 0);
  try {
    locks.push(new Lock());
  } catch (error) {
    if (Atomics.add(words, FAILED, 1) === 0) console.error(error);
  }
  Atomics.add(words, JOINED, 1);
  Atomics.wait(words, GATE, 1);
}

async function threads(count) {
  const memory = new SharedArrayBuffer(16);
  const words = new Int32Array(memory);
  const ends = [];
  for (let i = 0; i < count; i++) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: memory,
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 32, stackSizeMb: 1 },
    });
    ends.push(once(worker, "exit"));
    // The next when this one is ready: starting threads is not what is measured.
    while (Atomics.load(words, READY) <= i - 8) await tick(2);
  }
  while (Atomics.load(words, READY) < count) await tick(5);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  open(words, 1);
  while (Atomics.load(words, JOINED) < count) await tick(1);
  const joined = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  open(words, 2);
  const codes = await Promise.all(ends);
  return {
    count,
    joinMs: joined - begun,
    leaveMs: performance.now() - joined,
    joinCpuMs: [user / 1000, system / 1000],
    failed: Atomics.load(words, FAILED) + codes.filter(([code]) => code !== 0).length,
  };
}

function open(words, gate) {
  Atomics.store(words, GATE, gate);
  Atomics.notify(words, GATE);
}

function tick(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** In a process: a line on standard input is the gate. */
async function joinFromOutside() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log("ready");
  await lines.next();
  locks.push(new Lock());
  console.log("joined");
  await lines.next();
  process.exit(0);
}

async function processes(count) {
  const self = fileURLToPath(import.meta.url);
  const children = [];
  let failed = 0;
  for (let i = 0; i < count; i++) {
    const child = spawn(process.execPath, [self, "one"], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.on("error", () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const end = once(child, "exit").then(([code]) => (failed += code === 0 ? 0 : 1));
    children.push({ child, lines, end });
    if (i % 4 === 3) await lines.next();
    else child.isNew = true;
  }
  for (const { child, lines } of children) if (child.isNew) await lines.next();
  const begun = performance.now();
  for (const { child } of children) child.stdin.write("\n");
  for (const { lines } of children) await lines.next();
  const joined = performance.now();
  for (const { child } of children) child.stdin.write("\n");
  await Promise.all(children.map(({ end }) => end));
  return { count, joinMs: joined - begun, leaveMs: performance.now() - joined, failed };
}
