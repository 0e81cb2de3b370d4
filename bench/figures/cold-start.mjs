export default {
  title: "Cold start to the first result",
  about:
    "From before the library is imported to the result of a first no-op, in a process that has just started; then the whole program, from its start to its end after closing the pool. CPython uses the start method spawn, the one that like Node's boots a new interpreter.",
  columns: [
    { key: "firstMs", head: "first result ms", better: "lower" },
    { key: "importMs", head: "of it import ms" },
    { key: "wallMs", head: "whole program ms" },
  ],
  startOnly: true,
  repeat: 3,
  sizes: { full: {}, quick: {} },
  timeoutMs: 30_000,
  suits: (contender) => contender.name !== "raw-send-advanced" && contender.variant !== true,
  async measure({ open }) {
    const start = performance.now();
    const pool = await open();
    const imported = performance.now();
    const value = await pool.run("noop", 7);
    const end = performance.now();
    if (value !== 7) throw new Error(`Expected 7, got ${value}`);
    return { firstMs: end - start, importMs: imported - start };
  },
};
