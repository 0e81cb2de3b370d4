// Packs the package once and looks at the tarball as its users get it; then looks for files,
// exports and dependencies nobody uses.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules/.cache/pack");
mkdirSync(folder, { recursive: true });

// The build is a step of its own, so `prepack` need not run it once more.
const packed = run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
  stdio: ["ignore", "pipe", "inherit"],
});
const tarball = join(folder, JSON.parse(packed)[0].filename);

run("npx", ["--no-install", "publint", "run", tarball, "--strict"]);
// Without its look at the registry for an @types package: there is none, and no network may be there.
run("npx", ["--no-install", "attw", tarball, "--profile", "node16", "--no-definitely-typed"]);
run("npx", ["--no-install", "knip", "--no-progress"]);

function run(program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    stdio: "inherit",
    shell: process.platform === "win32",
    ...options,
  });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
  return result.stdout;
}
