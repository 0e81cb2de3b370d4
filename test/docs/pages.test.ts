import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Tarball } from "../helpers/installed.ts";
import { type Block, blocksOf } from "../helpers/markdown.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { runProgram } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";

/**
 * Every TypeScript block of a page is a program that runs as pasted, or a file that such a program of the
 * same page imports (its first line is `// name.mts`). Where that cannot be, `<!-- types only: why -->` stands
 * before it, and it is only compiled. What a block prints stands in it: `console.log(x); // what x looks like`.
 */
const TYPES_ONLY = /^types only: \S/;

const root = fileURLToPath(new URL("../../", import.meta.url));
const node26 = runtime("node26");
/** Its recipes are run by test/cli/docs-map.test.ts. */
const RUN_ELSEWHERE: ReadonlySet<string> = new Set(["map.md"]);

interface Program extends Block {
  readonly page: string;
  /** Relative to the folder of all pages. */
  readonly path: string;
}

const programs: readonly Program[] = readdirSync(join(root, "docs"))
  .filter((page) => page.endsWith(".md"))
  .flatMap((page) =>
    blocksOf(join(root, "docs", page))
      .filter(({ language }) => language === "ts")
      .map((block) => ({
        ...block,
        page,
        path: `${page.slice(0, -3)}/${block.file ?? `line-${block.line}.mts`}`,
      })),
  );
const runnable = programs.filter(
  ({ page, file, mark }) => file === undefined && mark === undefined && !RUN_ELSEWHERE.has(page),
);

useNamespace("pages");
let tarball: Tarball;
let folder = "";

beforeAll(() => {
  tarball = new Tarball();
  folder = tarball.install("pages", "module");
  for (const { page, path, text } of programs) {
    mkdirSync(join(folder, page.slice(0, -3)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}, 180_000);
afterAll(() => tarball.remove());

/** What the comments of a program say that it prints. */
function told(text: string): string[] {
  return [...text.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => String(line));
}

describe("the TypeScript of docs/", () => {
  test("is marked as not runnable only with a reason", () => {
    const marks = programs.flatMap(({ mark }) => mark ?? []);
    expect(marks.filter((mark) => !TYPES_ONLY.test(mark))).toEqual([]);
  });

  test("compiles as it stands", async () => {
    const options = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false,
        // What a page does not go on to use is no fault of it.
        noUnusedLocals: false,
        noUnusedParameters: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: programs.map(({ path }) => path),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout, code } = await runProgram(tsc, ["-p", folder], { cwd: folder });
    expect({ stdout, code }).toEqual({ stdout: "", code: 0 });
  });

  test.skipIf(node26 === undefined).each(runnable)(
    "runs as it stands: $page, line $line",
    async ({ path, text }) => {
      const { stdout, stderr, code } = await runProgram(join(folder, path), [], {
        node: node26!,
        cwd: folder,
        env: { NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined },
      });
      expect({ stderr: withoutLogs(stderr), code }).toEqual({ stderr: "", code: 0 });
      for (const line of told(text)) expect(stdout).toContain(line);
    },
  );
});

/** The logger writes its records there. */
function withoutLogs(stderr: string): string {
  return stderr
    .split("\n")
    .filter((line) => !line.startsWith('{"level"'))
    .join("\n");
}
