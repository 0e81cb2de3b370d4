import { timeMap } from "../lib/time-map.mjs";

export default {
  title: "Map of 100,000 no-op items, in chunks",
  about:
    "manycore and multiprocessing.Pool choose the chunk size themselves; ProcessPoolExecutor.map gets the one Pool would choose (a quarter of each worker's share). The JavaScript rivals have no chunks.",
  columns: [{ key: "perSecond", head: "items/s", better: "higher" }],
  isMixed: true,
  sizes: {
    full: { total: 100_000, times: 5, warmUp: 100_000 },
    quick: { total: 100_000, times: 2, warmUp: 100_000 },
  },
  timeoutMs: 60_000,
  suits: (contender) => contender.chunks === true,
  async measure({ open, size }) {
    return timeMap(await open(), size, undefined);
  },
};
