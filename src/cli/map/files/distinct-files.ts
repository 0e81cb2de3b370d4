import { fileURLToPath } from "node:url";
import { CliError } from "../../cli-error.ts";
import { fileIdentity, streamIdentity } from "./file-identity.ts";
import type { MapOptions } from "../options.ts";

/** Something that is written, and how the user knows it. */
interface Written {
  readonly label: string;
  readonly identity: string;
}

/**
 * Refuses a run that would write what it reads, or write one file twice.
 *
 * Files are compared by device and inode, so links of both kinds and other spellings of a path do not hide
 * that they are one. Standard streams take part: `> out` and `< in` are files, too.
 *
 * @param paths - the inputs; `-` is standard input.
 * @param modules - URLs of the modules with the functions.
 * @throws CliError that names both.
 */
export function refuseSameFiles(
  options: MapOptions,
  paths: readonly string[],
  modules: readonly string[],
): void {
  const written = writtenFiles(options);
  for (const [at, one] of written.entries()) {
    const other = written.slice(0, at).find(({ identity }) => identity === one.identity);
    if (other === undefined) continue;
    throw new CliError(`${other.label} and ${one.label} are one file; choose different names`);
  }
  const labels = new Map(written.map(({ identity, label }) => [identity, label]));
  // A file that does not exist yet is no input: most runs need not look at each of theirs.
  if (!written.some(({ identity }) => !identity.includes("/"))) return;
  for (const path of paths) {
    const identity = path === "-" ? streamIdentity(0) : fileIdentity(path);
    const label = identity === undefined ? undefined : labels.get(identity);
    if (label === undefined) continue;
    const name = path === "-" ? "Standard input" : path;
    throw new CliError(`${name} is both input and output (${label}); choose another name`);
  }
  for (const module of modules) {
    if (!module.startsWith("file:")) continue;
    const path = fileURLToPath(module);
    const label = labels.get(fileIdentity(path) ?? "");
    if (label !== undefined) throw new CliError(`${label} is the module ${path} itself`);
  }
}

function writtenFiles(options: MapOptions): Written[] {
  const { output, errors, joblog, trace, journal } = options;
  const named: readonly [string, string | undefined][] = [
    ["--output", output],
    ["--errors", errors],
    ["--joblog", joblog],
    ["--trace", trace],
    ["--journal", journal],
  ];
  const written: Written[] = [];
  const add = (label: string, identity: string | undefined): void => {
    if (identity !== undefined) written.push({ label, identity });
  };
  for (const [option, path] of named) {
    if (path !== undefined) add(`${option} ${path}`, fileIdentity(path));
  }
  const stdout = output === undefined ? streamIdentity(1) : undefined;
  add("standard output", stdout);
  const stderr = streamIdentity(2);
  // Both into one log is what many want to see (`> all 2>&1`).
  if (stderr !== stdout) add("standard error", stderr);
  return written;
}
