import { cleanNamespace, listNamespaces, takeCensus } from "../parking/index.ts";
import {
  objectsText,
  participantsText,
  reportNamespace,
  type NamespaceReport,
} from "./namespace-report.ts";
import { CliError } from "./cli-error.ts";
import { countedText } from "./text.ts";
import { Date } from "../util/platform.ts";

/** What `ps`, `locks` and `clean` take. */
export interface NamespaceOptions {
  readonly json?: boolean;
  /** Only this one; default: all of this user. */
  readonly namespace?: string;
}

/** `manycore ps`: who takes part. */
export function runPs(options: NamespaceOptions): string {
  return show(options, participantsText);
}

/** `manycore locks`: which objects exist, who holds them and who waits. */
export function runLocks(options: NamespaceOptions): string {
  return show(options, objectsText);
}

/** `manycore clean`: removes what the dead left. */
export function runClean(options: NamespaceOptions): string {
  const cleaned = chosen(options)
    .map((namespace) => cleanNamespace(namespace))
    .filter((result) => result !== undefined);
  if (options.json === true) {
    return cleaned.map((result) => `${JSON.stringify(result)}\n`).join("");
  }
  if (cleaned.length === 0) return "Nothing to clean.\n";
  let text = "";
  for (const { namespace, dead, objects, files, isRemoved } of cleaned) {
    const found = [
      countedText(dead, "dead thread"),
      countedText(objects, "unused object"),
      countedText(files, "stray file"),
    ].join(", ");
    text += `${namespace}: removed ${found}${isRemoved ? "; nobody is left, so it is gone" : ""}\n`;
  }
  return text;
}

function show(options: NamespaceOptions, text: (report: NamespaceReport) => string): string {
  const reports = chosen(options)
    .map((namespace) => takeCensus(namespace))
    .filter((census) => census !== undefined)
    .map((census) => reportNamespace(census, Date.now()));
  if (options.json === true) {
    return reports.map((report) => `${JSON.stringify(report)}\n`).join("");
  }
  if (reports.length === 0) return "No program of this user shares anything.\n";
  return reports.map(text).join("\n");
}

function chosen({ namespace }: NamespaceOptions): string[] {
  const present = listNamespaces();
  if (namespace === undefined) return present;
  if (!present.includes(namespace)) {
    const others = present.length === 0 ? "there are none" : `there are ${present.join(", ")}`;
    throw new CliError(`No namespace is called ${JSON.stringify(namespace)}; ${others}`);
  }
  return [namespace];
}
