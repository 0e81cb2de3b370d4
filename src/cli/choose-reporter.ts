import { BarReporter } from "./bar-reporter.ts";
import { JsonReporter } from "./json-reporter.ts";
import type { MapOptions } from "./map-options.ts";
import { PlainReporter } from "./plain-reporter.ts";
import type { Reporter } from "./reporter.ts";

/**
 * Picks how a run is shown: as asked, else a bar on a terminal that can move its cursor and lines elsewhere.
 *
 * Colours follow https://no-color.org: none when `NO_COLOR` is set to anything.
 */
export function chooseReporter(options: MapOptions): Reporter {
  const { envelope, output, quiet } = options;
  const { stderr, env } = process;
  const canRedraw = stderr.isTTY && env["TERM"] !== "dumb";
  const asked =
    options.progress === "auto" ? (canRedraw && !env["CI"] ? "bar" : "plain") : options.progress;
  const mode = quiet ? "none" : asked;
  if (mode === "json") return new JsonReporter();
  const reporterOptions = {
    // An envelope tells each failure itself; telling it twice would bury the rest.
    showsFailures: !envelope || options.verbose,
    showsSummary: !quiet,
    failedIn: envelope ? (output ?? "the output") : undefined,
  };
  if (mode === "bar") {
    return new BarReporter(reporterOptions, stderr, canRedraw && !env["NO_COLOR"]);
  }
  return new PlainReporter(reporterOptions, mode === "plain");
}
