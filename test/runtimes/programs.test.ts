import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runProgram, type ProgramOptions } from "../helpers/run-program.ts";
import { runtime, type RuntimeName } from "../helpers/runtimes.ts";

const KINDS = ["process", "thread"] as const;
const SQUARES = "[1,4,9]\n";

/** What runs programs; the first is the Node that runs the tests. */
type NodeName = "this Node" | Exclude<RuntimeName, "tsx">;
const NODES: readonly NodeName[] = ["this Node", "node22", "node24", "node26"];

interface Row {
  readonly node: NodeName;
  readonly file: string;
  readonly loader?: "tsx";
  readonly output: string;
}

/** Which program has to work where: plain Node strips types from version 22.18 on. */
const ROWS: readonly Row[] = NODES.flatMap((node): Row[] => [
  { node, file: "program.mjs", output: SQUARES },
  { node, file: "program.cjs", output: SQUARES },
  { node, file: "refers.mjs", output: SQUARES + SQUARES },
  ...(node === "this Node" ? [] : [{ node, file: "program.ts", output: SQUARES }]),
  { node, file: "program.ts", loader: "tsx", output: SQUARES },
  { node, file: "compiled-only.ts", loader: "tsx", output: SQUARES },
]);

describe.each(KINDS)("a program with a pool of %s workers", (kind) => {
  for (const { node, file, loader, output } of ROWS) {
    const program = programOf(node);
    const tsx = loader === "tsx" ? runtime("tsx") : undefined;
    const missing = program === undefined || (loader !== undefined && tsx === undefined);
    const where = loader === undefined ? node : `${node} with ${loader}`;
    test.skipIf(missing)(`${file} runs on ${where}`, async () => {
      const path = fileURLToPath(new URL(`../fixtures/runtimes/${file}`, import.meta.url));
      const options: ProgramOptions = {
        node: program ?? process.execPath,
        env: { NODE_OPTIONS: undefined },
      };
      const result = await (tsx === undefined
        ? runProgram(path, [kind], options)
        : runProgram(tsx, [path, kind], options));
      expect({ ...result, stderr: withoutNotes(result.stderr), ms: 0 }).toEqual({
        stdout: output,
        stderr: "",
        code: 0,
        signal: null,
        ms: 0,
      });
    });
  }
});

describe.each(NODES.slice(1))("%s", (node) => {
  test.skipIf(programOf(node) === undefined)("is the version it is called after", async () => {
    const path = fileURLToPath(new URL("../fixtures/runtimes/version.mjs", import.meta.url));
    const { stdout } = await runProgram(path, [], { node: programOf(node) ?? "" });
    expect(stdout).toBe(`${node.replace("node", "")}\n`);
  });
});

function programOf(node: NodeName): string | undefined {
  return node === "this Node" ? process.execPath : runtime(node);
}

/** Some versions note that they strip types, or require ES modules, and that this is experimental. */
function withoutNotes(stderr: string): string {
  return stderr
    .split("\n")
    .filter((line) => !/ExperimentalWarning|--trace-warnings/.test(line))
    .join("\n");
}
