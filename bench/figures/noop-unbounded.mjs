import { keepInFlight } from "../lib/in-flight.mjs";
import { startTreeCpu } from "../lib/tree-cpu.mjs";

export default {
  title: "No-op tasks, 100,000 at once",
  about:
    "All calls are made in one go; the time runs from the first call to the last result. CPU is that of the whole process tree.",
  columns: [
    { key: "perSecond", head: "tasks/s", better: "higher" },
    { key: "cpuMicros", head: "CPU µs per task" },
  ],
  sizes: { full: { total: 100_000, warmUp: 5000 }, quick: { total: 20_000, warmUp: 1000 } },
  timeoutMs: 90_000,
  suits: () => true,
  async measure({ open, size }) {
    const pool = await open();
    const call = (n) => pool.run("noop", n);
    const check = (n, value) => value === n;
    await keepInFlight(call, 1000, { total: size.warmUp, check });
    const cpu = startTreeCpu();
    const { done, ms } = await keepInFlight(call, Infinity, { total: size.total, check });
    const micros = cpu();
    return { perSecond: (done / ms) * 1000, cpuMicros: micros && micros / done };
  },
};
