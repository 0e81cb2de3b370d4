import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/leaks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

type Conditions = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Conditions>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Manifest;

describe("the exports map", () => {
  test("points at files that were built, types first, for import and for require", () => {
    for (const [path, target] of Object.entries(manifest.exports)) {
      if (typeof target === "string") {
        expect(existsSync(root + target), `${path} → ${target}`).toBe(true);
        continue;
      }
      expect(Object.keys(target), path).toEqual(["module", "import", "require"]);
      for (const [condition, files] of Object.entries(target)) {
        expect(Object.keys(files), `${path} ${condition}`).toEqual(["types", "default"]);
        for (const file of Object.values(files)) {
          expect(existsSync(root + file), `${path} → ${file}`).toBe(true);
        }
      }
    }
  });

  test("has no wildcard, so that everything else is private", () => {
    expect(Object.keys(manifest.exports).filter((path) => path.includes("*"))).toEqual([]);
  });

  test("keeps the inside of the package closed", async () => {
    const { stdout } = await runProgram(fixture("closed.mjs"));
    expect(stdout.trim()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("can be required from CommonJS, and gives the same instance", async () => {
    const { stdout, stderr } = await runProgram(fixture("required.cjs"));
    expect({ stdout, stderr }).toEqual({ stdout: "same\n", stderr: "" });
  });
});

describe("the tarball", () => {
  let files: string[];
  beforeAll(() => {
    // Without scripts: `prepack` would build what the tests have in use.
    const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [packed] = JSON.parse(output) as [{ files: { path: string }[] }];
    files = packed.files.map((file) => file.path);
  });

  test("holds lib, dist, src and the papers, and nothing else", () => {
    const others = files.filter((path) => !/^(?:(?:lib|dist|src)\/|docs\/[\w-]+\.md$)/.test(path));
    expect(others.toSorted()).toEqual([
      "ARCHITECTURE.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "LICENSE",
      "README.md",
      "bench/README.md",
      "bench/map/README.md",
      "package.json",
    ]);
  });

  test("holds everything that its papers link to", () => {
    const broken = files
      .filter((path) => path.endsWith(".md"))
      .flatMap((paper) =>
        [...readFileSync(root + paper, "utf8").matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)]
          .map(([, target]) => posix.join(posix.dirname(paper), String(target)))
          .filter(
            (target) => !files.some((file) => file === target || file.startsWith(`${target}/`)),
          )
          .map((target) => `${paper}: ${target}`),
      );
    expect(broken).toEqual([]);
  });

  test("holds types and their maps for every source file, and its source", () => {
    const sources = files.filter((path) => path.startsWith("src/"));
    expect(sources.filter((path) => !path.endsWith(".ts") && !path.endsWith(".md"))).toEqual([]);
    const expected = sources
      .filter((path) => path.endsWith(".ts"))
      .map((path) => path.replace(/^src\//, "dist/").replace(/\.ts$/, ""))
      .flatMap((stem) => [".d.ts", ".d.ts.map"].map((ending) => stem + ending));
    const declarations = files.filter((path) => path.startsWith("dist/"));
    const [forRequire, others] = [".d.cts", ".d.ts"].map((ending) =>
      declarations.filter((path) => path.includes(ending)),
    );
    expect(others?.toSorted()).toEqual(expected.toSorted());
    // Copies of those that an entry needs.
    expect(forRequire).toContain("dist/index.d.cts");
    expect(others).toEqual(
      expect.arrayContaining(forRequire!.map((path) => path.replace(".d.cts", ".d.ts"))),
    );
    expect([...(forRequire ?? []), ...(others ?? [])].toSorted()).toEqual(declarations.toSorted());
  });

  test("holds no path of the machine that packed it", () => {
    // Short names such as "/" or "/root" would be found in honest text.
    const places = [root, homedir()].filter((place) => place.length > 6);
    const telling = files.filter((path) => {
      const text = readFileSync(root + path, "utf8");
      return places.some((place) => text.includes(place)) || /file:\/\/\/\w/.test(text);
    });
    expect(telling).toEqual([]);
  });

  test("holds the command, with its first line", () => {
    for (const file of Object.values(manifest.bin)) {
      const path = file.replace(/^\.\//, "");
      expect(files).toContain(path);
      expect(readFileSync(root + path, "utf8").split("\n")[0]).toBe("#!/usr/bin/env node");
    }
  });

  test("runs no script when it is installed", () => {
    const hooks = ["preinstall", "install", "postinstall", "prepare"];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });
});

describe("import 'manycore'", () => {
  interface Loaded {
    readonly files: readonly string[];
    readonly modules: readonly string[];
    readonly resources: readonly string[];
    readonly listeners: readonly string[];
  }
  let loaded: Loaded;
  beforeAll(async () => {
    const { stdout } = await runProgram(fixture("loaded.mjs"));
    loaded = JSON.parse(stdout) as Loaded;
  });

  test("loads no module of Node that is slow to load and rarely needed", () => {
    const rare = ["inspector", "inspector/promises", "child_process", "cluster", "http"];
    const ofWorkers = ["worker_threads", "net", "stream"];
    expect(loaded.modules.filter((name) => [...rare, ...ofWorkers].includes(name))).toEqual([]);
  });

  test("reads nothing of the package but the front and the errors", () => {
    expect(loaded.files).toEqual([expect.stringMatching(/^lib.chunks.errors-[\w-]+\.cjs$/)]);
  });

  test("starts nothing: no handle, no timer, no listener", () => {
    expect(loaded).toMatchObject({ resources: [], listeners: [] });
  });

  test("loads no package", async () => {
    const { stdout } = await runProgram(fixture("packages.mjs"));
    const seen = JSON.parse(stdout) as { home: boolean; packages: string[] };
    expect(seen.home, "the trace sees the package itself").toBe(true);
    expect(seen.packages).toEqual([]);
  });
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/package/${name}`, import.meta.url));
}
