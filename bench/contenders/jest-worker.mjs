import { fileURLToPath } from "node:url";
import { load } from "../rivals/load.mjs";

const { Worker } = await load("jest-worker");

export function create({ workers, options }) {
  const farm = new Worker(fileURLToPath(new URL("../tasks.mjs", import.meta.url)), {
    numWorkers: workers,
    exposedMethods: ["noop", "spin", "flip", "echoTree"],
    ...options,
  });
  return { run: (name, arg) => farm[name](arg), close: () => farm.end() };
}
