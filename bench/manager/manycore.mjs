// One measurement; prints calls a second.
import { isMain, Manager, Process } from "manycore";

const N = 40_000;

const clock = () => performance.timeOrigin + performance.now();

/** Calls, and tells when it began and ended: starting processes is measured elsewhere. */
export async function client(dict, count) {
  for (let i = 0; i < 500; i++) await dict.get("a");
  const begun = clock();
  for (let i = 0; i < count; i++) await dict.get("a");
  return [begun, clock()];
}

if (isMain(import.meta)) {
  const figure = process.argv[2];
  const manager = await Manager.start();
  const dict = await manager.dict({ a: 1 });
  const call = figure.startsWith("set") ? (i) => dict.set("a", i) : () => dict.get("a");
  for (let i = 0; i < 500; i++) await call(i);
  let begun = clock();
  let ended;
  let calls = N;
  if (figure === "clients") {
    const children = [1, 2, 3, 4].map(() => new Process({ target: client, args: [dict, N] }));
    await Promise.all(children.map((child) => child.start()));
    const times = await Promise.all(children.map((child) => child.result));
    [begun, ended] = [
      Math.min(...times.map(([first]) => first)),
      Math.max(...times.map(([, last]) => last)),
    ];
    calls = 4 * N;
  } else if (figure.endsWith("ahead")) {
    await Promise.all(Array.from({ length: calls }, (_, i) => call(i)));
  } else {
    for (let i = 0; i < N; i++) await call(i);
  }
  ended ??= clock();
  console.log((calls / (ended - begun)) * 1000);
  await manager.shutdown();
}
