// One measurement; prints calls a second.
import { isMain, Manager, Process } from "manycore";

const N = 5000;

export async function client(dict, count) {
  for (let i = 0; i < count; i++) await dict.get("a");
}

if (isMain(import.meta)) {
  const figure = process.argv[2];
  const manager = await Manager.start();
  const dict = await manager.dict({ a: 1 });
  const call = figure.startsWith("set") ? (i) => dict.set("a", i) : () => dict.get("a");
  for (let i = 0; i < 500; i++) await call(i);
  const begun = performance.now();
  let calls = N;
  if (figure === "clients") {
    // As in Python, with the start of the processes.
    const children = [1, 2, 3, 4].map(() => new Process({ target: client, args: [dict, N] }));
    await Promise.all(children.map((child) => child.start()));
    await Promise.all(children.map((child) => child.join()));
    calls = 4 * N;
  } else if (figure.endsWith("ahead")) {
    calls = N * 4;
    await Promise.all(Array.from({ length: calls }, (_, i) => call(i)));
  } else {
    for (let i = 0; i < N; i++) await call(i);
  }
  console.log((calls / (performance.now() - begun)) * 1000);
  await manager.shutdown();
}
