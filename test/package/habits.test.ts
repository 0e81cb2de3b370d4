import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";

const manifest = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

describe("the papers", () => {
  test.each(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md", "bench/README.md"])(
    "%s names only scripts that exist",
    (path) => {
      const named = [...read(path).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) =>
        String(name),
      );
      expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
    },
  );

  test("README.md and continuous integration agree on how the tests are run", () => {
    const command = "npm ci && npm test";
    expect(read("README.md")).toContain(command);
    const steps = read(".ci/run")
      .split("\n")
      .filter((line) => !/^(#|set |cd |$)/.test(line));
    expect(steps).toEqual([command]);
  });

  test.skipIf(process.platform === "win32")(".ci/run can be executed", () => {
    expect(statSync(url(".ci/run")).mode & 0o111).toBe(0o111);
  });

  test("the links between them lead to files that exist", () => {
    const papers = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md"];
    const broken = papers.flatMap((paper) =>
      [...read(paper).matchAll(/\]\((?!\w+:|#)([^)#]+)/g)]
        .map(([, target]) => String(target))
        .filter((target) => statSync(url(target), { throwIfNoEntry: false }) === undefined)
        .map((target) => `${paper}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

function url(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}

function read(path: string): string {
  return readFileSync(url(path), "utf8");
}
