import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { normalizeModuleUrl } from "../../dist/task/module-url.js";
import { tsxLoader } from "../../dist/task/tsx.js";

describe("normalizeModuleUrl", () => {
  test.each([
    ["file:///a/b.js", "file:///a/b.js"],
    ["/a/b c.cjs", "file:///a/b%20c.cjs"],
    ["/a/what?.cjs", "file:///a/what%3F.cjs"],
    ["/a/b.cts?namespace=17", "file:///a/b.cts"],
    ["file:///a/b.ts?tsx-namespace=17", "file:///a/b.ts"],
    ["file:///a/b.ts?v=1&mine=2", "file:///a/b.ts?mine=2"],
    ["file:///a/b.js?worker=1", "file:///a/b.js?worker=1"],
    ["node:path", "node:path"],
    ["data:text/javascript,1", "data:text/javascript,1"],
  ])("the script %s has the URL %s", (script, url) => {
    expect(normalizeModuleUrl(script)).toBe(url);
  });

  test.each([
    [""],
    ["[eval]"],
    ["[eval1]"],
    ["file:///a/[eval1]"],
    ["REPL3"],
    ["evalmachine.<anonymous>"],
    ["native array.js"],
  ])("the script %j is no file", (script) => {
    expect(normalizeModuleUrl(script)).toBeUndefined();
  });
});

describe("tsxLoader", () => {
  test.each([
    [["--import", "tsx"], resolve("package.json")],
    [["--import=tsx/esm"], resolve("package.json")],
    [["-r", "tsx/cjs"], resolve("package.json")],
    [
      ["--import", "file:///p/node_modules/tsx/dist/loader.mjs"],
      "/p/node_modules/tsx/dist/loader.mjs",
    ],
    [
      ["--import", "./node_modules/tsx/dist/loader.mjs"],
      resolve("node_modules/tsx/dist/loader.mjs"),
    ],
    [
      ["--require", "/p/node_modules/tsx/dist/preflight.cjs"],
      "/p/node_modules/tsx/dist/preflight.cjs",
    ],
  ])("the options %j load tsx", (args, from) => {
    expect(tsxLoader(args)).toBe(from);
  });

  test.each([[[]], [["--import", "ts-node"]], [["--enable-source-maps", "tsx"]], [["--import"]]])(
    "the options %j do not load tsx",
    (args) => {
      expect(tsxLoader(args)).toBeUndefined();
    },
  );
});
