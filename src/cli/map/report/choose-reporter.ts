import type { MapOptions } from "../options.ts";
import { BarReporter } from "./bar-reporter.ts";
import { JsonReporter } from "./json-reporter.ts";
import { PlainReporter } from "./plain-reporter.ts";
import type { Reporter } from "./reporter.ts";

/**
 * Picks how a run is shown: as asked, else a bar on a terminal that can move its cursor and lines elsewhere.
 *
 * Colours follow https://no-color.org: none when `NO_COLOR` is set to anything, unless asked for.
 */
export function chooseReporter(options: MapOptions): Reporter {
  const { envelope, output, errors, quiet, verbose, color, summary } = options;
  const { stderr, env } = process;
  const canRedraw = stderr.isTTY && env["TERM"] !== "dumb";
  const asked =
    options.progress === "auto" ? (canRedraw && !env["CI"] ? "bar" : "plain") : options.progress;
  const mode = quiet ? "none" : asked;
  if (mode === "json") return new JsonReporter();
  const isToldElsewhere = envelope || errors !== undefined;
  const reporterOptions = {
    // A file tells each failure itself; telling it twice would bury the rest.
    showsFailures: !isToldElsewhere || verbose,
    showsAll: verbose,
    showsSummary: !quiet,
    isJsonSummary: summary === "json",
    failedIn: errors ?? (envelope ? (output ?? "the output") : undefined),
  };
  if (mode === "bar") {
    const hasColor = color === "auto" ? canRedraw && !env["NO_COLOR"] : color === "always";
    return new BarReporter(reporterOptions, stderr, hasColor);
  }
  return new PlainReporter(reporterOptions, mode === "plain");
}
