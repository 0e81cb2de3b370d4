import { keepInFlight } from "../lib/in-flight.mjs";
import { spin } from "../tasks.mjs";

const TASKS = 200;
const TASK_MS = 5;

export default {
  title: "200 tasks of 5 ms of CPU",
  about:
    "The same work in the calling thread, before and after, gives the serial time; the speed-up is their mean over the pool's time. The loop is calibrated to 5 ms in each run. CPython counts its own loop in its own interpreter.",
  columns: [
    { key: "speedUp", head: "speed-up", better: "higher" },
    { key: "ms", head: "wall ms" },
  ],
  sizes: { full: { tasks: TASKS }, quick: { tasks: 60 } },
  timeoutMs: 60_000,
  suits: () => true,
  async measure({ open, size }) {
    const rounds = calibrate();
    const expected = spin(rounds);
    const pool = await open();
    const call = () => pool.run("spin", rounds);
    const check = (_, value) => value === expected;
    // Every worker has to compile the loop once.
    await keepInFlight(call, Infinity, { total: 20, check });
    const before = serial(rounds, size.tasks);
    const { ms } = await keepInFlight(call, Infinity, { total: size.tasks, check });
    const after = serial(rounds, size.tasks);
    return { speedUp: (before + after) / 2 / ms, ms };
  },
};

function serial(rounds, tasks) {
  const start = performance.now();
  for (let i = 0; i < tasks; i++) spin(rounds);
  return performance.now() - start;
}

/** Turns of the loop in TASK_MS, from the fastest of some samples: the one least disturbed. */
function calibrate() {
  const sample = 1_000_000;
  let least = Infinity;
  for (let i = 0; i < 20; i++) least = Math.min(least, serial(sample, 1));
  return Math.round((sample / least) * TASK_MS);
}
