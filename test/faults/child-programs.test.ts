import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { blocksOf } from "../helpers/markdown.ts";
import { eventually } from "../helpers/processes.ts";
import { runProgram } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "manycore-children-"));
mkdirSync(join(scratch, "node_modules"));
symlinkSync(root, join(scratch, "node_modules/manycore"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const [recipe] = blocksOf(join(root, "docs/cancelling.md")).filter(
  ({ language }) => language === "ts",
);
const tsx = runtime("tsx");

/** The commands of all processes here that have `word` among their arguments. */
function commandsWith(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        // Ended meanwhile.
        return [];
      }
    })
    .filter((command) => command.startsWith("sleep ") && command.includes(word));
}

describe.skipIf(tsx === undefined || process.platform !== "linux")("docs/cancelling.md", () => {
  test("the programs of a task that is over its timeout end with it, those they have started too", async () => {
    // A number that no other process of this machine sleeps for.
    const seconds = `300.${process.pid}`;
    const program = join(scratch, "recipe.mts");
    const text = recipe!.text.replaceAll("300", seconds);
    expect(text.split(seconds)).toHaveLength(3);
    writeFileSync(program, text);
    const { stdout, stderr, code } = await runProgram(tsx!, [program], {
      env: { NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined },
    });
    expect({ stdout, stderr, code }).toEqual({
      stdout: "3\ntrue\n",
      stderr: "",
      code: 0,
    });
    await eventually("they are gone", () => commandsWith(seconds).length === 0);
  });
});
