import { flagsOf } from "./completed-command.ts";
import type { CompletedCommand } from "./completed-command.ts";

/** For bash, with nothing but what bash itself has: the bash-completion package may lack. */
export function bashScript(name: string, commands: readonly CompletedCommand[]): string {
  const fn = `_${name}`;
  const names = commands.map((command) => command.name).join(" ");
  return `# bash completion for ${name}: eval "$(${name} completion bash)"
${fn}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  if ((COMP_CWORD == 1)); then
    words="${names} --help --version"
  else
    case "\${COMP_WORDS[1]}" in
${commands.map(commandCase).join("\n")}
    esac
  fi
  # Nothing to offer leaves it to the shell, which offers files.
  COMPREPLY=()
  if [[ -n $words ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"); fi
}
complete -o default -F ${fn} ${name}
`;
}

function commandCase({ name, options, choices }: CompletedCommand): string {
  const values = options.filter((option) => option.hasValue && !option.isValueOptional);
  const cases = values.map((option) => {
    const words = option.choices.join(" ");
    return `          ${flagsOf(option).join(" | ")}) words="${words}" ;;`;
  });
  const flags = options.flatMap(flagsOf).join(" ");
  const rest = [
    `          *)`,
    `            if [[ $word == -* ]]; then words="${flags}"`,
    `            elif ((COMP_CWORD == 2)); then words="${choices.join(" ")}"; fi`,
    `            ;;`,
  ];
  return [
    `      ${name})`,
    `        case "$before" in`,
    ...cases,
    ...rest,
    "        esac",
    "        ;;",
  ].join("\n");
}
