import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../rivals/", import.meta.url);

/** Names and exact versions of the libraries compared with. */
export function rivalVersions() {
  return readJson(new URL("package.json", FOLDER)).dependencies;
}

/** Installs the rivals into their own folder unless these very versions are there. */
export function installRivals() {
  const wanted = Object.entries(rivalVersions());
  const isComplete = wanted.every(([name, version]) => {
    const file = new URL(`node_modules/${name}/package.json`, FOLDER);
    return existsSync(file) && readJson(file).version === version;
  });
  if (isComplete) return;
  process.stderr.write("Installing the rivals into bench/rivals …\n");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  execFileSync("npm", ["install", "--prefix", fileURLToPath(FOLDER), ...flags], {
    stdio: ["ignore", process.stderr, process.stderr],
  });
}

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
