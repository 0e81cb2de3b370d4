import { readFileSync } from "node:fs";
import * as manycore from "manycore";
import { describe, expect, test } from "vitest";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const source = readFileSync(new URL("../../src/errors/errors.ts", import.meta.url), "utf8");

const exported = Object.entries(manycore as Record<string, unknown>);
/** Every concrete error class of the package with the code its instances have. */
const codes = new Map<string, string>();
for (const [name, value] of exported) {
  if (typeof value !== "function" || !(value.prototype instanceof manycore.ManycoreError)) continue;
  const Class = value as new (message: string) => manycore.ManycoreError;
  codes.set(name, new Class("for its code").code);
}

/** The sections of the page: heading → text. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf("\n")).trim(), text.split(/^## /m)[0] ?? ""]),
);

describe("docs/errors.md", () => {
  test("has a section with the right code for every error class", () => {
    const documented = new Map(
      [...sections].map(([name, text]) => [name, /^Code `(\w+)`/m.exec(text)?.[1] ?? "no code"]),
    );
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(codes));
  });

  test("has a row in its table for every error class, and no other", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` +\| \[(\w+)\]\(#(\w+)\)/gm)];
    expect(Object.fromEntries(rows.map(([, code, name]) => [name, code]))).toEqual(
      Object.fromEntries(codes),
    );
    for (const [, , name, anchor] of rows) expect(anchor).toBe(name?.toLowerCase());
  });

  test("names no code that does not exist", () => {
    // That of TypeErrors and RangeErrors, which are no classes of this package.
    const known = new Set([...codes.values(), "ERR_MANYCORE_INVALID_ARGUMENT"]);
    const named = new Set(page.match(/ERR_MANYCORE_[A-Z_]+/g));
    expect([...named].filter((code) => !known.has(code))).toEqual([]);
  });

  test("says for every error when you get it", () => {
    const silent = [...sections].filter(([, text]) => !text.includes("**You get it**"));
    expect(silent.map(([name]) => name)).toEqual([]);
  });
});

describe("the error classes", () => {
  test("have a code each of their own", () => {
    expect(new Set(codes.values()).size).toBe(codes.size);
    expect(codes.size).toBeGreaterThanOrEqual(18);
  });

  test("are all exported by the package", () => {
    const declared = [...source.matchAll(/^export (?:abstract )?class (\w+)/gm)].map(([, name]) =>
      String(name),
    );
    expect(declared.toSorted()).toEqual([...codes.keys(), "ManycoreError"].toSorted());
  });

  test("have the codes of the type ErrorCode", () => {
    const union = /export type ErrorCode =([^;]+);/.exec(source)?.[1] ?? "";
    const typed = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => String(code));
    expect(typed.toSorted()).toEqual([...codes.values()].toSorted());
  });

  test("carry their class as name, the message and the cause", () => {
    const cause = new Error("first");
    const error = new manycore.BrokenExecutorError("second", { cause });
    expect(error.name).toBe("BrokenExecutorError");
    expect(String(error)).toBe("BrokenExecutorError: second");
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(manycore.ManycoreError);
    expect(Object.keys(error)).toEqual(["code"]);
  });

  test("have no cause when none was given", () => {
    expect(new manycore.WorkerCrashedError("gone", { exitCode: 3 })).not.toHaveProperty("cause");
    expect(new manycore.SerializationError("no", { path: "args[0]" })).not.toHaveProperty("cause");
  });
});
