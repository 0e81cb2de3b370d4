import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProjectName } from "./runtimes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A copy of a folder of test/runtimes outside of the repository, with its packages and with manycore as users have it. */
export class Scratch {
  readonly folder: string = mkdtempSync(join(tmpdir(), "manycore-scratch-"));

  /** @param installed - where the packages of the project are. */
  constructor(name: ProjectName, installed: string) {
    cpSync(join(root, "test/runtimes", name), this.folder, { recursive: true });
    const modules = join(this.folder, "node_modules");
    mkdirSync(modules);
    link(join(installed, "node_modules"), modules);
    // No link: bundlers take what is linked for a part of the program.
    for (const part of ["package.json", "lib", "dist"]) {
      cpSync(join(root, part), join(modules, "manycore", part), { recursive: true });
    }
    link(join(root, "node_modules"), join(modules, "manycore/node_modules"), DEPENDENCIES);
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What manycore needs at run time; see its package.json. */
const DEPENDENCIES = [
  "commander",
  "es-module-lexer",
  "jiti",
  "papaparse",
  "pino",
  "tinyglobby",
  "@koromix",
];

function link(from: string, to: string, names: readonly string[] = readdirSync(from)): void {
  mkdirSync(to, { recursive: true });
  for (const name of names) {
    if (existsSync(join(from, name)) && !name.startsWith("package"))
      symlinkSync(join(from, name), join(to, name));
  }
}
