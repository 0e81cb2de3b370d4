import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { TargetFinding } from "./work/inspect-target.ts";
import { CliError } from "../cli-error.ts";

/** A function as named on the command line. */
export interface Target {
  /** The module as the user wrote it, for messages. */
  readonly label: string;
  /** URL of the module. */
  readonly module: string;
  /** Name of the export. */
  readonly name: string;
}

/**
 * Reads `MODULE#EXPORT`: a path relative to the working directory, a `file:` URL or a package; without
 * `#EXPORT` the default export is meant.
 *
 * @param option - the option it was given with, for messages.
 * @throws CliError when there is no such module.
 */
export function parseTarget(text: string, cwd: string, option = ""): Target {
  const hash = text.lastIndexOf("#");
  const label = hash < 0 ? text : text.slice(0, hash);
  const name = hash < 0 ? "default" : text.slice(hash + 1);
  if (label === "" || name === "") {
    throw new CliError(
      `${option === "" ? "Expected" : `${option} expects`} MODULE#EXPORT such as ./work.ts#parse, got "${text}"`,
    );
  }
  return { label, module: moduleUrl(label, cwd), name };
}

function moduleUrl(label: string, cwd: string): string {
  if (/^(file|node|data):/.test(label)) return label;
  const path = resolve(cwd, label);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return pathToFileURL(path).href;
    throw new CliError(
      `${label} is a directory; name the module in it, such as ${join(label, "index.js")}`,
    );
  }
  if (!/^[./]/.test(label)) {
    try {
      return pathToFileURL(createRequire(join(cwd, "noop.js")).resolve(label)).href;
    } catch {
      // Neither a file nor a package: told below.
    }
  }
  throw new CliError(`There is no module ${label}${otherExtension(path, label)}`);
}

/** The slip is most often an extension: `work.js` where `work.ts` is. */
function otherExtension(path: string, label: string): string {
  const stem = basename(path).replace(/\.[cm]?[jt]sx?$/, "");
  for (const extension of [".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"]) {
    if (existsSync(join(dirname(path), stem + extension))) {
      return ` (did you mean ${label.slice(0, -basename(label).length)}${stem}${extension}?)`;
    }
  }
  return "";
}

/**
 * Turns what a worker found into an error, if it found one.
 *
 * @throws CliError when the function is not there; it lists those that are.
 */
export function checkFinding(finding: TargetFinding, { label, name }: Target): void {
  if (finding.kind === "found") return;
  if (finding.kind === "broken") {
    throw new CliError(`Cannot load ${label}: ${finding.error.stack}`);
  }
  const { exports, isValue } = finding;
  const what = name === "default" ? "default export" : `export "${name}"`;
  const list =
    exports.length === 0
      ? "it exports no function"
      : `it exports: ${exports.toSorted().join(", ")}`;
  if (isValue) throw new CliError(`The ${what} of ${label} is not a function; ${list}`);
  throw new CliError(`${label} has no ${what}; ${list}`);
}
