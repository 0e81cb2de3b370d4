import { keepInFlight } from "../lib/in-flight.mjs";
import { startTreeCpu } from "../lib/tree-cpu.mjs";

const IN_FLIGHT = 1000;

export default {
  title: "No-op tasks, at most 1,000 in flight",
  about:
    "`noop(n)` returns n. After a warm-up, calls flow for the time given, 1,000 unanswered at most. CPU is that of the whole process tree.",
  columns: [
    { key: "perSecond", head: "tasks/s", better: "higher" },
    { key: "cpuMicros", head: "CPU µs per task" },
  ],
  sizes: { full: { warmUpMs: 500, forMs: 2000 }, quick: { warmUpMs: 150, forMs: 400 } },
  timeoutMs: 60_000,
  suits: () => true,
  async measure({ open, size }) {
    const pool = await open();
    const call = (n) => pool.run("noop", n);
    const check = (n, value) => value === n;
    await keepInFlight(call, IN_FLIGHT, { forMs: size.warmUpMs, check });
    const cpu = startTreeCpu();
    const { done, ms } = await keepInFlight(call, IN_FLIGHT, { forMs: size.forMs, check });
    const micros = cpu();
    return { perSecond: (done / ms) * 1000, cpuMicros: micros && micros / done };
  },
};
