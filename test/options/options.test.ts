import { readdirSync } from "node:fs";
import { inspect } from "node:util";
import { type Manager, type Pool } from "manycore";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeCensus } from "../../dist/parking/index.js";
import { useNamespace } from "../helpers/namespace.ts";
import { callee, instances } from "./callees.ts";
import { declaredArguments, type Given } from "./declared.ts";
import { type Kind, KINDS } from "./kinds.ts";
import { ROWS } from "./rows.ts";

const folder = useNamespace("options");
const given = declaredArguments();
const byCallee = grouped(given);
let objects: ReadonlyMap<string, object>;

beforeAll(async () => {
  objects = await instances();
});

afterAll(async () => {
  await (objects.get("Pool") as Pool).terminate();
  for (const name of ["Connection", "DupFd", "Listener"])
    (objects.get(name) as Disposable)[Symbol.dispose]();
  for (const name of ["Manager", "SharedMemoryManager"])
    await (objects.get(name) as Manager).shutdown();
});

describe("what the declarations say that callers give", () => {
  test("is found: functions, constructors, static and other methods, setters, options", () => {
    const keys = new Set(given.map((one) => keyOf(one)));
    for (const key of [
      "wait(futures)",
      "wait.returnWhen",
      "new Lock(options)",
      "LockOptions.onAbandoned",
      "Manager.start(options)",
      "Lock#acquire(options)",
      "WaitOptions.timeout",
      "Queue#maxSize=(value)",
      "SetWaitableTimer(dueTime)",
      "new Process.target",
    ]) {
      expect(keys).toContain(key);
    }
  });

  test("has a row each, and there is no row without it", () => {
    const missing = given.filter((one) => rowOf(one) === undefined);
    expect([...new Set(missing.map((one) => keyOf(one)))]).toEqual([]);
    const used = new Set(given.flatMap((one) => keysOf(one)));
    expect(Object.keys(ROWS).filter((key) => !used.has(key))).toEqual([]);
  });
});

describe("is refused where it is given, by name, with what was received and its type:", () => {
  test.each([...byCallee])("%s", async (name, all) => {
    const call = callee(name, objects);
    const positional = all.filter(({ option }) => option === undefined);
    const right = positional.map((one) => kindOf(one).right());
    const before = present();
    const faults: string[] = [];
    for (const one of all) {
      const { wrong } = kindOf(one);
      for (const value of wrong) {
        const argument = one.option === undefined ? value : bagOf(one, all, value);
        const fault = await faultOf(() => call(...replaced(right, one.position, argument)), one);
        if (fault !== undefined) faults.push(`${keyOf(one)} = ${show(value)}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
    expect(present()).toEqual(before);
  });
});

/** The options with a wrong one among those that have to be there. */
function bagOf(one: Given, all: readonly Given[], value: unknown): object {
  const bag: Record<string, unknown> = {};
  // Some make sense only with another one.
  if (one.callee === "SharedMemory.create") bag["size"] = 1;
  if (one.callee === "new Pool" && one.option === "resourceLimits") bag["kind"] = "thread";
  if (one.option === "args")
    bag["target"] = kindOf(all.find((o) => o.option === "target")!).right();
  bag[one.option!] = value;
  return bag;
}

async function faultOf(
  call: () => unknown,
  { callee: owner, option, parameter }: Given,
): Promise<string | undefined> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    const set = /#(\w+)=$/.exec(owner)?.[1];
    return faultIn(error, option ?? set ?? parameter);
  }
  if (typeof result === "object" && result !== null) {
    const disposable = result as Partial<Disposable>;
    disposable[Symbol.dispose]?.();
  }
  return "taken";
}

function faultIn(error: unknown, name: string): string | undefined {
  if (!(error instanceof TypeError) && !(error instanceof RangeError)) return String(error);
  if ((error as { code?: unknown }).code !== "ERR_MANYCORE_INVALID_ARGUMENT") {
    return `no code: ${error.message}`;
  }
  const says = new RegExp(`\`(?:[\\w.]*\\.)?${name.replace("_", "")}(?:[.[][^\`]*)?\``);
  if (!says.test(error.message)) return `not by its name: ${error.message}`;
  const isShown = /got `[^]*` \((?:an?) [\w ]+\)|got `(?:null|undefined)`|NUL character/.test(
    error.message,
  );
  return isShown ? undefined : `not what was received: ${error.message}`;
}

/** What would be left if something had been started. */
function present(): unknown {
  const { objects: cells } = takeCensus(process.env["MANYCORE_NAMESPACE"]!)!;
  return {
    files: readdirSync(folder).length,
    cells: cells.length,
    resources: process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length,
  };
}

function keyOf({ callee: name, parameter, owner, option }: Given): string {
  return option === undefined ? `${name}(${parameter})` : `${owner}.${option}`;
}

function keysOf(one: Given): string[] {
  const key = keyOf(one);
  // What it inherits is called on it as well.
  const ofManager = key.replace(/^SharedMemoryManager\b/, "Manager");
  const ofAnyClass = key.replace(/^\w+#/, "#").replace(/^new \w+Error/, "new Error");
  return one.option === undefined
    ? [key, ofManager, ofAnyClass, `(${one.parameter})`]
    : [key, ofManager, ofAnyClass];
}

function rowOf(one: Given): string | undefined {
  return keysOf(one).find((key) => Object.hasOwn(ROWS, key));
}

function kindOf(one: Given): Kind {
  const row = rowOf(one);
  return row === undefined ? KINDS.any : KINDS[ROWS[row]!];
}

function show(value: unknown): string {
  if (typeof value === "function") return `function ${value.name}`;
  return inspect(value, { breakLength: Infinity });
}

/** By callee. */
function grouped(all: readonly Given[]): Map<string, Given[]> {
  const groups = new Map<string, Given[]>();
  for (const one of all) groups.set(one.callee, [...(groups.get(one.callee) ?? []), one]);
  return groups;
}

function replaced(values: readonly unknown[], at: number, value: unknown): unknown[] {
  const copy = [...values];
  copy[at] = value;
  return copy;
}
