import { chosenNamespace } from "../memory/index.ts";
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

/** Options of `ps`, `locks` and `clean`. */
export interface NamespaceOptions {
  readonly json?: boolean;
  /** Only this one; default: the one that the environment names, or all of this user. */
  readonly namespace?: string;
  /** All of this user, whatever the environment names. */
  readonly allNamespaces?: boolean;
}

/** `manycore ps`: who takes part. */
export function runPs(options: NamespaceOptions): string {
  return show(options, participantsText, (report) => report.participants.length > 0);
}

/** `manycore locks`: which objects exist, who holds them and who waits. */
export function runLocks(options: NamespaceOptions): string {
  return show(options, objectsText, (report) => report.objects.length > 0);
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

/** @param isWorthShowing - one that is not is shown only when it was asked for by its name. */
function show(
  options: NamespaceOptions,
  text: (report: NamespaceReport) => string,
  isWorthShowing: (report: NamespaceReport) => boolean,
): string {
  const reports = chosen(options)
    .map((namespace) => takeCensus(namespace))
    .filter((census) => census !== undefined)
    .map((census) => reportNamespace(census, Date.now()))
    .filter((report) => options.namespace !== undefined || isWorthShowing(report));
  if (options.json === true) {
    return reports.map((report) => `${JSON.stringify(report)}\n`).join("");
  }
  if (reports.length > 0) return reports.map(text).join("\n");
  const named = environments(options);
  return named === undefined
    ? "No program of this user shares anything.\n"
    : `No program shares anything in ${named}, which MANYCORE_NAMESPACE names; --all-namespaces shows the others.\n`;
}

/** The namespace that the environment names, unless the command line says which. */
function environments({ namespace, allNamespaces }: NamespaceOptions): string | undefined {
  if (namespace !== undefined && allNamespaces === true) {
    throw new CliError("Give either --namespace or --all-namespaces");
  }
  return namespace === undefined && allNamespaces !== true ? chosenNamespace() : undefined;
}

function chosen(options: NamespaceOptions): string[] {
  const present = listNamespaces();
  const named = environments(options);
  if (named !== undefined) return present.filter((name) => name === named);
  const { namespace } = options;
  if (namespace === undefined) return present;
  if (!present.includes(namespace)) {
    const others = present.length === 0 ? "there are none" : `there are ${present.join(", ")}`;
    throw new CliError(`No namespace is called ${JSON.stringify(namespace)}; ${others}`);
  }
  return [namespace];
}
