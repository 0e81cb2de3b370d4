import { flagsOf } from "./completed-command.ts";
import type { CompletedCommand, CompletedOption } from "./completed-command.ts";

/** For zsh's own completion system. */
export function zshScript(name: string, commands: readonly CompletedCommand[]): string {
  const described = commands.map(
    (command) => `    ${quoted(`${command.name}:${command.description}`)}`,
  );
  return `#compdef ${name}
# zsh completion for ${name}: eval "$(${name} completion zsh)"
_${name}() {
  local -a commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${commands.map(commandCase).join("\n")}
  esac
}
compdef _${name} ${name}
`;
}

function commandCase({ name, options, choices }: CompletedCommand): string {
  const first = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
  const specs = options.flatMap(optionSpecs);
  const lines = [...specs, `'*:argument:${first}'`].map((spec) => `        ${spec}`);
  return [
    `    ${name})`,
    "      shift words",
    "      ((CURRENT--))",
    "      _arguments -s \\",
    lines.join(" \\\n"),
    "      ;;",
  ].join("\n");
}

function optionSpecs(option: CompletedOption): string[] {
  const text = option.description.replaceAll(/[[\]:]/g, " ");
  const action = option.choices.length > 0 ? `(${option.choices.join(" ")})` : "_files";
  const colons = option.isValueOptional ? "::" : ":";
  const value = option.hasValue ? `${colons}value:${action}` : "";
  return flagsOf(option).map((flag) => quoted(`${flag}[${text}]${value}`));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
