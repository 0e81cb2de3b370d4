// node bench/sync/shared-value.mjs: a number that processes share, against CPython's Value.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SharedValue } from "../../lib/index.js";
import { bestOf, nanosPerRun } from "./measure.mjs";
import { compare, own, python } from "./shared-compare.mjs";

const SELF = fileURLToPath(import.meta.url);
const TIMES = 200_000;
const FOR_MS = 1000;

const value = (options) => new SharedValue("int32", 0, options);
const best = (body) => bestOf(5, () => nanosPerRun(TIMES, body));

/** Increments a second of two processes together. */
async function together(step, options) {
  const shared = value({ name: "together", ...options });
  const isSecond = process.argv[3] === "second";
  const peer = isSecond
    ? undefined
    : spawn(process.execPath, [SELF, process.argv[2], "second"], {
        stdio: ["pipe", "pipe", "inherit"],
      });
  if (isSecond) {
    console.log("ready");
    await new Promise((resolve) => process.stdin.once("data", resolve));
  } else {
    await new Promise((resolve) => peer.stdout.once("data", resolve));
    peer.stdin.write("go\n");
  }
  let steps = 0;
  for (const end = performance.now() + FOR_MS; performance.now() < end;) {
    for (let i = 0; i < 100; i++) step(shared);
    steps += 100;
  }
  if (isSecond) {
    console.log(steps);
    process.exit();
  }
  const theirs = Number(
    await new Promise((resolve) => peer.stdout.once("data", (text) => resolve(String(text)))),
  );
  const total = steps + theirs;
  const counted = Number(shared.value);
  if (counted !== total) throw new Error(`counted ${counted} of ${total}`);
  return (total / FOR_MS) * 1000;
}

const FIGURES = {
  update: () => {
    const shared = value();
    return best(() => shared.updateSync((n) => n + 1));
  },
  add: () => {
    const shared = value();
    return best(() => shared.add(1));
  },
  "add-float": () => {
    const shared = new SharedValue("float64");
    return best(() => shared.add(1));
  },
  read: () => {
    const shared = value();
    return best(() => shared.value);
  },
  write: () => {
    const shared = value();
    return best(() => (shared.value = 1));
  },
  make: () => nanosPerRun(1000, () => value()) / 1000,
  "make-unlocked": () => nanosPerRun(1000, () => value({ lock: false })) / 1000,
  "together-update": () => together((shared) => shared.updateSync((n) => n + 1)),
  "together-add": () => together((shared) => shared.add(1)),
};

const LOOP = (statement, setup = "v = mp.Value('i', 0)") => `
import multiprocessing as mp, time
${setup}
best = 1e9
for _ in range(5):
    begun = time.perf_counter()
    for _ in range(${TIMES}):
        ${statement}
    best = min(best, (time.perf_counter() - begun) / ${TIMES} * 1e9)
print(best)`;

const TOGETHER = `
import multiprocessing as mp, time
def work(v, gate, out):
    gate.wait()
    steps = 0
    end = time.perf_counter() + ${FOR_MS / 1000}
    while time.perf_counter() < end:
        for _ in range(100):
            with v.get_lock():
                v.value += 1
        steps += 100
    out.put(steps)
c = mp.get_context("fork")
v, gate, out = c.Value("i", 0), c.Barrier(2), c.Queue()
peer = c.Process(target=work, args=(v, gate, out))
peer.start()
work(v, gate, out)
total = out.get() + out.get()
peer.join()
assert v.value == total
print(total / ${FOR_MS / 1000})`;

const here = (figure) => own(SELF, figure);
if (process.argv[2] in FIGURES) {
  console.log(await FIGURES[process.argv[2]]());
} else {
  compare([
    [
      "increment under the lock",
      "ns",
      true,
      {
        "CPython Value, with get_lock()": python(
          LOOP("l.acquire(); v.value += 1; l.release()", "v = mp.Value('i', 0); l = v.get_lock()"),
        ),
        "manycore updateSync": here("update"),
        "manycore add, int32": here("add"),
        "manycore add, float64": here("add-float"),
      },
    ],
    [
      "read",
      "ns",
      true,
      { "CPython .value": python(LOOP("v.value")), "manycore .value": here("read") },
    ],
    [
      "write",
      "ns",
      true,
      { "CPython .value =": python(LOOP("v.value = 1")), "manycore .value =": here("write") },
    ],
    [
      "make",
      "µs",
      true,
      {
        "CPython Value": python(`
import multiprocessing as mp, time
begun = time.perf_counter()
kept = [mp.Value("i", 0) for _ in range(1000)]
print((time.perf_counter() - begun) * 1e3)`),
        "manycore SharedValue": here("make"),
        "manycore SharedValue, lock: false": here("make-unlocked"),
      },
    ],
    [
      "increments of two processes at once",
      "/s",
      false,
      {
        "CPython Value, with get_lock()": python(TOGETHER),
        "manycore updateSync": here("together-update"),
        "manycore add": here("together-add"),
      },
    ],
  ]);
}
