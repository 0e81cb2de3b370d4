import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FolderKind, Tarball } from "../helpers/installed.ts";
import { blocksOf } from "../helpers/markdown.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { type Program, startProgram, untilLine } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";

const readme = new URL("../../README.md", import.meta.url);
const blocks = blocksOf(readme);
const scripts = blocks.filter(({ language }) => language === "sh").map(({ text }) => text);
const [, ...outputs] = blocks.filter(({ language }) => language === "text" || language === "sh");

const KINDS: readonly FolderKind[] = ["empty", "commonjs", "module"];
const NODES = [
  { node: "this Node", program: process.execPath },
  ...(["node22", "node24", "node26"] as const).flatMap((node) => {
    const program = runtime(node);
    return program === undefined ? [] : [{ node, program }];
  }),
];

/** README's second line of the first commands, for a Node that strips types by itself. */
const PLAIN = "node square.mts";
const runsTypeScript = (node: string): boolean => node !== "this Node";

useNamespace("readme");
let tarball: Tarball;
const folders = new Map<FolderKind, string>();

beforeAll(() => {
  tarball = new Tarball();
  for (const kind of KINDS) {
    const folder = tarball.install(kind, kind);
    for (const { file, text } of blocks) {
      if (file !== undefined) writeFileSync(join(folder, file), text);
    }
    folders.set(kind, folder);
  }
}, 180_000);
afterAll(() => tarball.remove());

/** Pastes a block of commands into a shell whose Node is `node`. */
function paste(script: string, kind: FolderKind, node: string): Program {
  return startProgram(script, [], {
    node: "bash",
    execArgv: ["-euo", "pipefail", "-c"],
    cwd: folders.get(kind)!,
    env: {
      PATH: [dirname(node), process.env["PATH"]].join(delimiter),
      NODE_OPTIONS: undefined,
      NODE_V8_COVERAGE: undefined,
    },
  });
}

test("README.md has the blocks that are pasted here, and no others", () => {
  expect(blocks.map(({ language, file }) => file ?? language)).toEqual([
    "square.mts",
    "sh",
    "text",
    "sh",
    "report.mts",
    "sh",
    "sh",
  ]);
  expect(scripts[0]?.split("\n")[0]).toBe("npm install manycore");
  expect(readFileSync(readme, "utf8")).toContain(`\`${PLAIN}\``);
});

describe.each(NODES)("README.md, pasted under $node", ({ node, program }) => {
  describe.each(KINDS)("into a folder whose package is %s", (kind) => {
    const ways = [
      // The installation is the one of above: from the tarball instead of the registry.
      ...(runtime("tsx") === undefined
        ? []
        : [scripts[0]!.replace("npm install manycore\n", "").trim()]),
      ...(runsTypeScript(node) ? [PLAIN] : []),
    ];

    test.each(ways)("%s prints what stands below it, and no warning", async (script) => {
      const { stdout, stderr, code } = await paste(script, kind, program).ended;
      expect({ stdout, stderr, code }).toEqual({ stdout: outputs[0]!.text, stderr: "", code: 0 });
    });

    test("the same function maps over lines on the command line", async () => {
      const { stdout, stderr, code } = await paste(scripts[1]!, kind, program).ended;
      expect({ stdout, code }).toEqual({ stdout: "1\n4\n9\n", code: 0 });
      expect(stderr).toMatch(/^3 records, [^]*3 ok, 0 failed/);
      expect(stderr).not.toContain("arning");
    });
  });

  test.skipIf(runtime("tsx") === undefined)(
    "two terminals share a lock, and a third sees who holds it",
    async () => {
      const first = paste(scripts[2]!, "empty", program);
      await untilLine(first, /^alone /);
      const second = paste(scripts[2]!, "empty", program);
      const third = await paste(scripts[3]!, "empty", program).ended;
      expect(third).toMatchObject({ stderr: "", code: 0 });
      expect(third.stdout).toContain("report");
      await expect(first.ended).resolves.toMatchObject({ stderr: "", code: 0 });
      await expect(second.ended).resolves.toMatchObject({
        stdout: "alone \n",
        stderr: "",
        code: 0,
      });
    },
  );
});
