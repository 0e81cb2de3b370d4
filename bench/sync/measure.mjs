// Small clocks for figures that are measured inside one process.

export function nanosPerRun(runs, body) {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < runs; i++) body();
  return Number(process.hrtime.bigint() - begun) / runs;
}

export async function nanosPerRunAsync(runs, body) {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < runs; i++) await body();
  return Number(process.hrtime.bigint() - begun) / runs;
}

/** The least of several measurements: what disturbs a loop only ever makes it slower. */
export async function bestOf(rounds, measure) {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) best = Math.min(best, await measure());
  return best;
}

export function report(value) {
  process.stdout.write(`${JSON.stringify({ value })}\n`);
}

/** Says that this process is ready and waits for the other one's word. */
export async function untilReady() {
  process.stdout.write("ready\n");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.pause();
}
