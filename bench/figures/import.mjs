import { load } from "../rivals/load.mjs";

export default {
  title: "Import of the package",
  about:
    "`await import(name)` in a fresh process. CPython's rows import what they need to make their pool.",
  columns: [{ key: "ms", head: "ms", better: "lower" }],
  isMixed: true,
  repeat: 3,
  sizes: { full: {}, quick: {} },
  timeoutMs: 30_000,
  isPerPackage: true,
  suits: ({ name, package: library, python }) =>
    python !== undefined || name === library || name === "manycore-thread",
  async measure({ contender }) {
    const start = performance.now();
    if (contender.package === "manycore") await import("manycore");
    else await load(contender.package);
    return { ms: performance.now() - start };
  },
};
