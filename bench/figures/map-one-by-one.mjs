import { timeMap } from "../lib/time-map.mjs";

export default {
  title: "Map of 100,000 no-op items, one by one",
  about:
    "Chunk size 1. For a library without `map`: `Promise.all` over single calls, as its users would write it.",
  columns: [{ key: "perSecond", head: "items/s", better: "higher" }],
  sizes: {
    full: { total: 100_000, times: 1, warmUp: 5000 },
    quick: { total: 10_000, times: 1, warmUp: 2000 },
  },
  timeoutMs: 120_000,
  suits: () => true,
  async measure({ open, size }) {
    return timeMap(await open(), size, 1);
  },
};
