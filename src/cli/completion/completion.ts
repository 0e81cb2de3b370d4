import type { Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import type { CompletedCommand } from "./completed-command.ts";
import { zshScript } from "./zsh.ts";

/** The shells that can be told how to complete. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** The script a shell has to run so that it completes the words of the program. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  const commands = program.commands.map(completedCommand);
  switch (shell) {
    case "bash":
      return bashScript(name, commands);
    case "zsh":
      return zshScript(name, commands);
    case "fish":
      return fishScript(name, commands);
  }
}

function completedCommand(command: Command): CompletedCommand {
  const options = command.createHelp().visibleOptions(command);
  return {
    name: command.name(),
    description: command.description(),
    options: options.map(({ short, long, description, argChoices, required, optional }) => ({
      short,
      long,
      description,
      choices: argChoices ?? [],
      hasValue: required || optional,
      isValueOptional: optional,
    })),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
}
