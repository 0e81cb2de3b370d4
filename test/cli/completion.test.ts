import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

async function script(shell: string): Promise<string> {
  const run = await manycore(["completion", shell]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const path = join(scratch.path, shell);
  writeFileSync(path, run.stdout);
  return path;
}

describe.runIf(has("bash"))("in bash", () => {
  let path = "";
  beforeAll(async () => {
    path = await script("bash");
  });

  /** What bash would offer for the last of the words. */
  function offered(...words: string[]): string[] {
    const list = words.map((word) => `'${word}'`).join(" ");
    const program = `source '${path}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _manycore; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
    return stdout.split("\n").filter((word) => word !== "");
  }

  test("commands, options, and what options take are offered", () => {
    expect(offered("manycore", "")).toEqual(expect.arrayContaining(["map", "completion"]));
    expect(offered("manycore", "map", "x", "--re")).toEqual(
      expect.arrayContaining(["--resume", "--retry-failed", "--reduce"]),
    );
    expect(offered("manycore", "map", "x", "--format", "js")).toEqual(["jsonl", "json"]);
    expect(offered("manycore", "completion", "")).toEqual(["bash", "zsh", "fish"]);
  });

  test("where a file may stand, the shell is left to offer files", () => {
    expect(offered("manycore", "map", "x", "")).toEqual([]);
    expect(offered("manycore", "map", "x", "-o", "")).toEqual([]);
  });
});

test.runIf(has("zsh"))("in zsh the script is one that zsh understands", async () => {
  const path = await script("zsh");
  const program = `autoload -U compinit; compinit -D -u; source '${path}'; print $_comps[manycore]`;
  const run = spawnSync("zsh", ["-f", "-c", program], { encoding: "utf8" });
  expect(run).toMatchObject({ status: 0, stderr: "", stdout: "_manycore\n" });
});

test.runIf(has("fish"))("in fish options and their values are offered", async () => {
  const path = await script("fish");
  const ask = (line: string): string => {
    const program = `source '${path}'; complete -C '${line}'`;
    return spawnSync("fish", ["--no-config", "-c", program], { encoding: "utf8" }).stdout;
  };
  expect(ask("manycore ma")).toMatch(/^map\t/m);
  expect(ask("manycore map x --retry-f")).toMatch(/^--retry-failed\t/m);
  expect(ask("manycore map x --fsync ")).toMatch(/^always/m);
});

test("completion of another shell is refused", async () => {
  const run = await manycore(["completion", "tcsh"]);
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(/Allowed choices are bash, zsh, fish/);
});
