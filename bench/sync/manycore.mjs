// One figure of this package, as one process (`solo`), or as one of two (`first` starts `second`).
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Barrier, Condition, Event, Lock, RLock, Semaphore, SharedValue } from "../../lib/index.js";
import { bestOf, nanosPerRun, nanosPerRunAsync, report, untilReady } from "./measure.mjs";

const [figure, role, prefix] = process.argv.slice(2);
const PAIRS = 300_000;
const FOR_MS = 1500;
const ROUNDS = 20_000;

const named = (label) => ({ name: `${prefix}.${label}` });
const again = () =>
  spawn(process.execPath, [fileURLToPath(import.meta.url), figure, "second", prefix], {
    stdio: ["pipe", "pipe", "inherit"],
  });

/** Runs the figure in two processes at once and gives what each of them measured. */
async function both(measure) {
  if (role === "second") {
    await untilReady();
    report(await measure());
    return undefined;
  }
  const peer = again();
  await new Promise((resolve) => peer.stdout.once("data", resolve));
  const answer = new Promise((resolve) =>
    peer.stdout.once("data", (text) => resolve(JSON.parse(text))),
  );
  peer.stdin.write("go\n");
  const mine = await measure();
  return [mine, (await answer).value];
}

function pairsFor(take, give) {
  let pairs = 0;
  for (const end = performance.now() + FOR_MS; performance.now() < end;) {
    for (let i = 0; i < 100; i++) {
      take();
      give();
      pairs++;
    }
  }
  return (pairs / FOR_MS) * 1000;
}

async function pairsForAsync(lock) {
  let pairs = 0;
  for (const end = performance.now() + FOR_MS; performance.now() < end;) {
    await lock.acquire();
    lock.release();
    pairs++;
  }
  return (pairs / FOR_MS) * 1000;
}

/** Half of a round trip, in microseconds, between two processes that wake each other in turn. */
function pingPong(mine, theirs) {
  for (let i = 0; i < ROUNDS / 10; i++) takeTurn(mine, theirs);
  const begun = performance.now();
  for (let i = 0; i < ROUNDS; i++) takeTurn(mine, theirs);
  return ((performance.now() - begun) * 1000) / ROUNDS / 2;
}

function takeTurn(mine, theirs) {
  if (role === "first") {
    theirs.set();
    mine.waitSync();
  } else {
    mine.waitSync();
    theirs.set();
  }
}

const FIGURES = {
  "lock-sync": () => {
    const lock = new Lock();
    return bestOf(5, () => nanosPerRun(PAIRS, () => (lock.acquireSync(), lock.release())));
  },
  "lock-async": async () => {
    const lock = new Lock();
    return bestOf(5, () =>
      nanosPerRunAsync(PAIRS, async () => (await lock.acquire(), lock.release())),
    );
  },
  "rlock-sync": () => {
    const lock = new RLock();
    return bestOf(5, () => nanosPerRun(PAIRS, () => (lock.acquireSync(), lock.release())));
  },
  "semaphore-sync": () => {
    const semaphore = new Semaphore(1);
    return bestOf(5, () =>
      nanosPerRun(PAIRS, () => (semaphore.acquireSync(), semaphore.release())),
    );
  },
  "contended-sync": async () => {
    const lock = new Lock(named("lock"));
    const rates = await both(() =>
      pairsFor(
        () => lock.acquireSync(),
        () => lock.release(),
      ),
    );
    return rates && rates[0] + rates[1];
  },
  "contended-async": async () => {
    const lock = new Lock(named("lock"));
    const rates = await both(() => pairsForAsync(lock));
    return rates && rates[0] + rates[1];
  },
  event: async () => {
    const [a, b] = ["a", "b"].map((label) => new Event({ reset: "auto", ...named(label) }));
    const times = await both(() => (role === "second" ? pingPong(a, b) : pingPong(b, a)));
    return times?.[0];
  },
  condition: async () => {
    const lock = new Lock(named("lock"));
    const condition = new Condition(lock, named("condition"));
    const turn = new SharedValue("int32", 0, { lock: false, ...named("turn") });
    const own = role === "second" ? 1 : 0;
    const step = () => {
      lock.acquireSync();
      while (turn.value !== own) condition.waitSync();
      turn.value = 1 - own;
      condition.notify();
      lock.release();
    };
    const times = await both(() => {
      for (let i = 0; i < ROUNDS / 10; i++) step();
      const begun = performance.now();
      for (let i = 0; i < ROUNDS; i++) step();
      return ((performance.now() - begun) * 1000) / ROUNDS / 2;
    });
    return times?.[0];
  },
  barrier: async () => {
    const barrier = new Barrier(2, named("barrier"));
    const rates = await both(() => {
      for (let i = 0; i < ROUNDS / 10; i++) barrier.waitSync();
      const begun = performance.now();
      for (let i = 0; i < ROUNDS; i++) barrier.waitSync();
      return (ROUNDS / (performance.now() - begun)) * 1000;
    });
    return rates?.[0];
  },
};

const value = await FIGURES[figure]();
if (value !== undefined) report(value);
process.exit(0);
