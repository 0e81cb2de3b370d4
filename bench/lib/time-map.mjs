import { median } from "./statistics.mjs";

/** Maps a no-op over `size.total` numbers, `size.times` times, after a first map of `size.warmUp`: items per second of the median. */
export async function timeMap(pool, size, chunkSize) {
  const items = Array.from({ length: size.total }, (_, n) => n);
  const map =
    pool.map === undefined
      ? (some) => Promise.all(some.map((n) => pool.run("noop", n)))
      : (some) => pool.map("noop", some, { chunkSize });
  await map(items.slice(0, size.warmUp));
  const rates = [];
  for (let i = 0; i < size.times; i++) {
    const start = performance.now();
    const results = await map(items);
    const ms = performance.now() - start;
    const wrong = items.findIndex((n) => results[n] !== n);
    if (wrong !== -1 || results.length !== items.length) {
      throw new Error(`Result ${wrong} of ${results.length} is ${results[wrong]}`);
    }
    rates.push((items.length / ms) * 1000);
  }
  return { perSecond: median(rates) };
}
