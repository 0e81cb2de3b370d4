import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import {
  BrokenExecutorError,
  ProcessPoolExecutor,
  SerializationError,
  ThreadPoolExecutor,
} from "manycore";
import { spawnProcess } from "../../dist/process/spawn.js";
import * as work from "../fixtures/executor/work.js";
import { processesOf } from "../helpers/leaks.ts";

const role = new URL("../../dist/process/child-role.js", import.meta.url).href;

function boot(data: unknown): Parameters<typeof spawnProcess>[0]["boot"] {
  const identity = {
    name: "x",
    daemon: true,
    path: [],
    parent: undefined,
    authKey: new Uint8Array(),
  };
  return { process: identity, argv: [], data };
}

const starts: [string, () => unknown, RegExp][] = [
  [
    "a boot message that cannot travel",
    () => spawnProcess({ role, boot: boot(() => {}) }),
    /is a function/,
  ],
  [
    "an environment that the system refuses",
    () => spawnProcess({ role, boot: boot(null), env: { BAD: "a\0b" } }),
    /null bytes/,
  ],
];

test.runIf(process.platform === "linux").each(starts)(
  "%s: no process and no descriptor is left",
  (_name, start, said) => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const children = processesOf(process.pid).length;
    expect(start).toThrow(said);
    const before = descriptors();
    for (let i = 0; i < 5; i++) expect(start).toThrow(said);
    expect(descriptors()).toBe(before);
    expect(processesOf(process.pid)).toHaveLength(children);
  },
);

test.each([ProcessPoolExecutor, ThreadPoolExecutor])(
  "arguments of an initializer that cannot travel break %o, by their path",
  async (Executor) => {
    const executor = new Executor({
      initializer: work.square,
      initializerArgs: [() => {}] as never,
    });
    const error = await executor.submit(work.square, 1).exception();
    expect(error).toBeInstanceOf(BrokenExecutorError);
    const { cause } = error as BrokenExecutorError;
    expect(cause).toBeInstanceOf(SerializationError);
    expect((cause as SerializationError).path).toContain("initializerArgs[0]");
    await executor.shutdown();
  },
);
