import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { MAIN, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MANUAL = readFileSync(join(ROOT, "docs/map.md"), "utf8");

interface Fence {
  readonly language: string;
  readonly text: string;
}

function fencesOf(section: string): Fence[] {
  return [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

const recipes = MANUAL.slice(MANUAL.indexOf("## Recipes"), MANUAL.indexOf("## What is written"))
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf("\n")),
    fences: fencesOf(section),
  }));

beforeAll(() => {
  // The command where npx finds it, and the package that their modules import.
  const bin = join(scratch.path, "node_modules/.bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "manycore"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(join(bin, "manycore"), 0o755);
  symlinkSync(ROOT, join(scratch.path, "node_modules/manycore"));
});

describe("docs/map.md", () => {
  test("calls the command as it is found without being on the search path", () => {
    const scripts = recipes.flatMap(({ fences }) =>
      fences.filter(({ language }) => language === "sh").map(({ text }) => text),
    );
    expect(scripts.join("").match(/(?<!npx )\bmanycore map\b/g)).toBeNull();
  });

  test("has ten recipes", () => {
    expect(recipes).toHaveLength(10);
  });

  test.each(recipes)("recipe $title runs as it stands", async ({ title, fences }) => {
    const folder = join(scratch.path, `recipe-${Number.parseInt(title, 10)}`);
    mkdirSync(folder);
    for (const { language, text } of fences) {
      const [, name] = /^\/\/ (\S+)\n/.exec(text) ?? [];
      if (language === "ts" && name !== undefined) writeFileSync(join(folder, name), text);
    }
    const script = fences.find(({ language }) => language === "sh");
    writeFileSync(join(folder, "recipe.sh"), script?.text ?? "exit 1");
    const run = await runProgram("recipe.sh", [], {
      node: "bash",
      execArgv: ["-euo", "pipefail"],
      cwd: folder,
    });
    const wanted = fences.find(({ language }) => language === "text");
    expect(run).toMatchObject({ code: 0, signal: null });
    if (wanted !== undefined) expect(run.stdout).toBe(wanted.text);
    else expect(run.stdout).not.toBe("");
  });

  test("has the options of the help, and no others", async () => {
    const { stdout: help } = await manycore(["map", "--help"]);
    const told = new Set(help.match(/--[a-z][a-z-]+/g));
    const foreign = ["--pipe", "--resume-failed", "--sshlogin"];
    const options = new Set(MANUAL.match(/--[a-z][a-z-]+/g));
    const unknown = [...options].filter((option) => !told.has(option));
    expect(unknown.sort()).toEqual(foreign);
  });

  test("has the exit codes of the command, and no others", async () => {
    const { EXIT_CODE } = (await import("../../dist/cli/exit-code.js")) as {
      EXIT_CODE: Record<string, number>;
    };
    const table = MANUAL.slice(MANUAL.indexOf("| code"), MANUAL.indexOf("## Coming from"));
    const told = [...table.matchAll(/^\| (\d+)(?:, (\d+))? /gm)].flatMap(([, one, other]) =>
      [one, other].filter((code) => code !== undefined).map(Number),
    );
    expect(told.sort((a, b) => a - b)).toEqual(Object.values(EXIT_CODE).sort((a, b) => a - b));
  });
});
