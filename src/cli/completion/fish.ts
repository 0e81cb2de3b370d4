import type { CompletedCommand, CompletedOption } from "./completed-command.ts";

/** For fish. */
export function fishScript(name: string, commands: readonly CompletedCommand[]): string {
  const lines = [`# fish completion for ${name}: ${name} completion fish | source`];
  for (const command of commands) {
    lines.push(
      `complete -c ${name} -n __fish_use_subcommand -f -a ${command.name} -d ${quoted(command.description)}`,
    );
    const isHere = `-n '__fish_seen_subcommand_from ${command.name}'`;
    if (command.choices.length > 0) {
      lines.push(`complete -c ${name} ${isHere} -f -a ${quoted(command.choices.join(" "))}`);
    }
    for (const option of command.options) {
      lines.push(`complete -c ${name} ${isHere} ${optionWords(option)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function optionWords({ short, long, description, choices, hasValue }: CompletedOption): string {
  const words = [
    short === undefined ? "" : `-s ${short.slice(1)}`,
    long === undefined ? "" : `-l ${long.slice(2)}`,
    choices.length > 0 ? `-x -a ${quoted(choices.join(" "))}` : hasValue ? "-r" : "",
    `-d ${quoted(description)}`,
  ];
  return words.filter((word) => word !== "").join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
