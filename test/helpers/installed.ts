import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtime } from "./runtimes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What the nearest package.json says of modules; none at all in an empty folder. */
export type FolderKind = "empty" | "commonjs" | "module";

/** The package as its users install it: packed once, its dependencies from npm's cache. */
export class Tarball {
  readonly #folder = mkdtempSync(join(tmpdir(), "manycore-installed-"));
  readonly path: string;

  constructor() {
    // Without scripts: `prepack` would build what the tests have in use.
    const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", this.#folder];
    const output = execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: "pipe" });
    const [packed] = JSON.parse(output) as [{ filename: string }];
    this.path = join(this.#folder, packed.filename);
  }

  /** A new folder, with the package installed in it by `npm install`, and tsx as if it had been. */
  install(name: string, kind: FolderKind): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    if (kind !== "empty") {
      writeFileSync(join(folder, "package.json"), `{ "name": "x", "type": "${kind}" }\n`);
    }
    const args = ["install", this.path, "--prefer-offline", "--no-audit", "--no-fund"];
    execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
    const tsx = runtime("tsx");
    if (tsx !== undefined) symlinkSync(tsx, join(folder, "node_modules/.bin/tsx"));
    return folder;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
