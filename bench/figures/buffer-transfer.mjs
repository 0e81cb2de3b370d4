import { isFlipped, makeBytes } from "../lib/bytes.mjs";

const LENGTH = 2 ** 20;
const LANES = 8;

export default {
  title: "1 MiB of bytes there and back, moved",
  about:
    "The same with a transfer list, both ways where the library can: eight buffers, each sent again when it is back. Each MiB counts once. Threads only.",
  columns: [{ key: "megabytes", head: "MB/s", better: "higher" }],
  sizes: { full: { total: 2400, warmUp: 400 }, quick: { total: 320, warmUp: 80 } },
  timeoutMs: 60_000,
  suits: (contender) => contender.kind === "thread" && !contender.python && !contender.noTransfer,
  async measure({ open, size }) {
    const pool = await open();
    const lanes = Array.from({ length: LANES }, () => ({ bytes: makeBytes(LENGTH), flips: 0 }));
    const travel = async (lane, times) => {
      for (let i = 0; i < times; i++) {
        lane.bytes = await pool.transfer(lane.bytes);
        lane.flips++;
        if (!isFlipped(lane.bytes, LENGTH, lane.flips)) throw new Error("The bytes are wrong");
      }
    };
    const run = async (total) => {
      const start = performance.now();
      await Promise.all(lanes.map((lane) => travel(lane, total / LANES)));
      return performance.now() - start;
    };
    await run(size.warmUp);
    return { megabytes: (size.total * LENGTH) / 1000 / (await run(size.total)) };
  },
};
