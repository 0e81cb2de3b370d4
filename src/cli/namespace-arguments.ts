import type { Command } from "commander";
import type { NamespaceOptions } from "./namespace-commands.ts";
import { print } from "./print.ts";

/** Declares the commands that look at what programs share, and tidy up behind the dead. */
export function declareNamespaceCommands(program: Command): void {
  const declare = (name: "ps" | "locks" | "clean", summary: string): void => {
    program
      .command(name)
      .description(summary)
      .option("--json", "one JSON object a line, for each namespace")
      .option(
        "-n, --namespace <name>",
        "only this one; default: $MANYCORE_NAMESPACE, or all of this user if that is not set",
      )
      .option("-A, --all-namespaces", "all of this user, also with $MANYCORE_NAMESPACE")
      .action(async (options: NamespaceOptions) => {
        const commands = await import("./namespace-commands.ts");
        const { runPs, runLocks, runClean } = commands;
        await print({ ps: runPs, locks: runLocks, clean: runClean }[name](options));
      });
  };
  declare(
    "ps",
    "Shows which processes and threads use shared objects, what they hold and wait for.",
  );
  declare("locks", "Shows the shared objects, who holds them, who waits, and deadlocks.");
  declare("clean", "Removes what dead processes left behind; what is in use stays.");
}
