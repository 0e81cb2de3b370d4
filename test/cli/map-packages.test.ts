import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";
import { scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NODES = ["this Node", "node22", "node24", "node26"] as const;

/** What `npm init -y` writes, with and without a type, and a folder that nobody has prepared. */
const PACKAGES = {
  "an empty folder": undefined,
  "a package of no type": { name: "x" },
  "a commonjs package": { name: "x", type: "commonjs" },
  "a module package": { name: "x", type: "module" },
} as const;

const SQUARE = `export function square(line: string): number {\n  return Number(line) ** two;\n}\n`;
const FILES = {
  "square.ts": `import { cpus } from "node:os";\nconst two = cpus().length > 0 ? 2 : 2;\n${SQUARE}`,
  "square.mts": `const two: number = 2;\n${SQUARE}`,
  "await.ts": `const two = await Promise.resolve(2);\n${SQUARE}`,
  "square.cjs": `exports.square = (line) => Number(line) ** 2;\n`,
} as const;

function folderOf(name: keyof typeof PACKAGES): string {
  const folder = join(scratch.path, name.replaceAll(" ", "-"));
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(ROOT, join(folder, "node_modules/manycore"));
  const manifest = PACKAGES[name];
  if (manifest !== undefined) {
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  }
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(folder, file), text);
  return folder;
}

describe.each(Object.keys(PACKAGES) as (keyof typeof PACKAGES)[])("in %s", (name) => {
  const folder = folderOf(name);
  for (const node of NODES) {
    const program = node === "this Node" ? process.execPath : runtime(node);
    test.skipIf(program === undefined)(
      `manycore map runs every module on ${node}, and says nothing`,
      async () => {
        for (const file of Object.keys(FILES)) {
          const run = await runProgram(
            join(folder, "node_modules/manycore/lib/cli/main.cjs"),
            ["map", `./${file}#square`, "-q"],
            {
              node: program ?? process.execPath,
              cwd: folder,
              input: "1\n2\n3\n",
              env: { NODE_OPTIONS: undefined },
            },
          );
          expect({ file, ...run, ms: 0 }).toEqual({
            file,
            stdout: "1\n4\n9\n",
            stderr: "",
            code: 0,
            signal: null,
            ms: 0,
          });
        }
      },
    );
  }
});
