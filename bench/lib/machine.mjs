import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { rivalVersions } from "./rivals.mjs";

/** The Python that takes part: `PYTHON`, or the first python3 on the path. */
export const PYTHON = process.env["PYTHON"] ?? "python3";

/** The interpreter's version, or `undefined` where there is none. */
export function pythonVersion() {
  return firstLine(PYTHON, ["-c", "import platform; print(platform.python_version())"]);
}

/** Everything a reader needs to judge the figures, as one line each. */
export function describeMachine() {
  const rivals = Object.entries(rivalVersions()).map(([name, version]) => `${name} ${version}`);
  const commit = firstLine("git", ["rev-parse", "--short", "HEAD"]);
  const isDirty = (firstLine("git", ["status", "--porcelain"]) ?? "") !== "";
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit === undefined ? "none yet" : isDirty ? `${commit} and changes` : commit,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    node: process.versions.node,
    python: pythonVersion() ?? "none",
    rivals: rivals.join(", "),
  };
}

function firstLine(command, args) {
  try {
    const text = execFileSync(command, args, {
      cwd: new URL("..", import.meta.url),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim().split("\n", 1)[0];
  } catch {
    return undefined; // Not installed, or not in a repository: described as absent.
  }
}
