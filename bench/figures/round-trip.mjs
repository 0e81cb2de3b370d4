import { median, quantile } from "../lib/statistics.mjs";

export default {
  title: "Round trip of one task",
  about:
    "One no-op at a time, the next after the answer. Waking a sleeping CPU is most of it on an idle machine; judge p99 only in the rough.",
  columns: [
    { key: "p50", head: "p50 µs", better: "lower" },
    { key: "p99", head: "p99 µs", better: "lower" },
  ],
  sizes: { full: { total: 3000, warmUp: 500 }, quick: { total: 500, warmUp: 100 } },
  timeoutMs: 60_000,
  suits: () => true,
  async measure({ open, size }) {
    const pool = await open();
    const micros = [];
    for (let n = -size.warmUp; n < size.total; n++) {
      const start = performance.now();
      const value = await pool.run("noop", n);
      const end = performance.now();
      if (value !== n) throw new Error(`Expected ${n}, got ${value}`);
      if (n >= 0) micros.push((end - start) * 1000);
    }
    return { p50: median(micros), p99: quantile(micros, 0.99) };
  },
};
