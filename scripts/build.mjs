// `npm run build`: compiles src/ to dist/, after taking away what would make the result differ from
// that of a fresh clone, copies the declarations for CommonJS,
// and bundles it in lib/.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { copyDeclarations } from "./bundle/types.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");
const output = join(root, "dist");

if (existsSync(join(output, "index.js"))) removeOrphans();
else {
  // The compiler trusts its notes and would not write a dist/ that somebody deleted.
  rmSync(join(root, "node_modules/.cache/tsbuildinfo"), { recursive: true, force: true });
}

const compiled = spawnSync("npx", ["--no-install", "tsc", "-b"], {
  cwd: root,
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (compiled.error) throw compiled.error;
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
unlinkMaps();
copyDeclarations(output, ["index", "win32event/index"]);
await bundle();

/**
 * Takes the names of their maps from the modules in dist/, which only tests run. Node would read the map of each
 * module in each process whose coverage is taken, and write it down again; scripts/tests.mjs finds the maps itself.
 */
function unlinkMaps() {
  for (const entry of readdirSync(output, { recursive: true })) {
    if (!entry.endsWith(".js")) continue;
    const path = join(output, entry);
    const text = readFileSync(path, "utf8");
    const name = text.lastIndexOf("//# sourceMappingURL=");
    if (name >= 0 && !text.slice(name).trimEnd().includes("\n")) {
      writeFileSync(path, text.slice(0, name));
    }
  }
}

/** Outputs whose source is gone would still be found by imports, and be packed. */
function removeOrphans() {
  for (const entry of readdirSync(output, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const stem = path.slice(output.length + 1).replace(/(\.d\.c?ts|\.js)(\.map)?$/, "");
    if (!existsSync(join(source, `${stem}.ts`))) rmSync(path);
  }
}
