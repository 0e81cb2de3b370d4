import { deepStrictEqual } from "node:assert";
import { keepInFlight } from "../lib/in-flight.mjs";

const IN_FLIGHT = 4;
const BRANCHES = 100;
const LEAVES = 82;

export default {
  title: "1 MB tree of small objects there and back",
  about:
    "About 8,300 objects of the same few shapes, 1 MB as JSON, returned by the task. Four in flight. The megabytes are those of the JSON text, counted once.",
  columns: [{ key: "megabytes", head: "MB/s", better: "higher" }],
  sizes: { full: { warmUpMs: 500, forMs: 2000 }, quick: { warmUpMs: 150, forMs: 500 } },
  timeoutMs: 60_000,
  suits: (contender) => contender.noCopies !== true,
  async measure({ open, size }) {
    const pool = await open();
    const tree = makeTree();
    const bytes = JSON.stringify(tree).length;
    deepStrictEqual(await pool.run("echoTree", tree), { ...tree, seen: 1 });
    const call = () => pool.run("echoTree", tree);
    // The whole was compared above; comparing 8,300 objects each time would be measured too.
    const check = (n, value) => {
      const branch = n % BRANCHES;
      const leaf = n % LEAVES;
      return (
        value.seen === 1 &&
        value.branches[branch].leaves[leaf].name === tree.branches[branch].leaves[leaf].name
      );
    };
    await keepInFlight(call, IN_FLIGHT, { forMs: size.warmUpMs, check });
    const { done, ms } = await keepInFlight(call, IN_FLIGHT, { forMs: size.forMs, check });
    return { megabytes: (done * bytes) / 1000 / ms };
  },
};

function makeTree() {
  const leaf = (branch, i) => ({
    id: branch * LEAVES + i,
    name: `leaf ${branch}.${i}`,
    tags: ["small", i % 2 === 0 ? "even" : "odd"],
    position: { x: i * 0.5, y: branch * 0.25 },
    active: i % 3 === 0,
    parent: i % 5 === 0 ? null : `branch ${branch}`,
  });
  return {
    seen: 0,
    branches: Array.from({ length: BRANCHES }, (_, branch) => ({
      title: `branch ${branch}`,
      leaves: Array.from({ length: LEAVES }, (_leaf, i) => leaf(branch, i)),
    })),
  };
}
