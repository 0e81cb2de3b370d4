import { isFlipped, makeBytes } from "../lib/bytes.mjs";
import { keepInFlight } from "../lib/in-flight.mjs";

const LENGTH = 2 ** 20;
const IN_FLIGHT = 8;

export default {
  title: "1 MiB of bytes there and back, copied",
  about:
    "`flip` changes the first and the last byte and returns the bytes; the caller keeps its own. Eight in flight. Each MiB counts once although it travels twice.",
  columns: [{ key: "megabytes", head: "MB/s", better: "higher" }],
  sizes: { full: { warmUpMs: 500, forMs: 1500 }, quick: { warmUpMs: 100, forMs: 300 } },
  timeoutMs: 60_000,
  suits: (contender) => contender.noCopies !== true,
  async measure({ open, size }) {
    const pool = await open();
    const bytes = makeBytes(LENGTH);
    const call = () => pool.run("flip", bytes);
    const check = (_, value) => isFlipped(value, LENGTH);
    await keepInFlight(call, IN_FLIGHT, { forMs: size.warmUpMs, check });
    const { done, ms } = await keepInFlight(call, IN_FLIGHT, { forMs: size.forMs, check });
    return { megabytes: (done * LENGTH) / 1000 / ms };
  },
};
