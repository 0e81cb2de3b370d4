import { readFileSync } from "node:fs";
import { Argument, Command, CommanderError } from "commander";
import { ManycoreError } from "../errors/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { CliError } from "./cli-error.ts";
import { cpuCount } from "../process/cpu-count.ts";
import { completionScript, SHELLS } from "./completion/completion.ts";
import type { Shell } from "./completion/completion.ts";
import { print } from "./print.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { declareNamespaceCommands } from "./namespace-arguments.ts";
import { declareMapArguments } from "./map/arguments.ts";
import { toMapOptions } from "./map/checked-options.ts";
import { usageMessage } from "./usage-message.ts";

const COMPLETION_HELP = `
Put one of these in the shell's start-up file:
  eval "$(manycore completion bash)"        # ~/.bashrc
  eval "$(manycore completion zsh)"         # ~/.zshrc, after compinit
  manycore completion fish | source         # ~/.config/fish/config.fish
`;

/**
 * Runs the command.
 *
 * @param args - the arguments behind the program's name.
 * @returns the exit code; what went wrong has been told on standard error.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_CODE.ok;
  let help = "";
  const program = makeProgram({
    done: (code) => {
      exitCode = code;
    },
    show: (text) => {
      help += text;
    },
  });
  try {
    try {
      await program.parseAsync(args, { from: "user" });
    } finally {
      if (help !== "") await print(help);
    }
    return exitCode;
  } catch (error) {
    return tell(error, program, args);
  }
}

/** Answers of a program while it is parsed. */
interface Told {
  readonly done: (exitCode: number) => void;
  /** Gets help and version. */
  readonly show: (text: string) => void;
}

function makeProgram({ done, show }: Told): Command {
  const program = new Command("manycore")
    .description("Runs functions on all cores.")
    .version(packageVersion(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    // Errors are told in one place, by `tell`.
    .configureOutput({ outputError: () => undefined, writeOut: show });
  declareMapArguments(program.command("map")).action(async (target, inputs, raw) => {
    const options = toMapOptions(target, inputs, raw, cpuCount());
    // Loaded late: --help needs no executor.
    const { runMap } = await import("./map/command.ts");
    done(await runMap(options));
  });
  declareNamespaceCommands(program);
  program
    .command("completion")
    .description("print what a shell runs to complete the words of this command")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", COMPLETION_HELP)
    .action(async (shell: Shell) => {
      await print(completionScript(program, shell));
    });
  return program;
}

function tell(error: unknown, program: Command, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_CODE.ok;
    // Without a command commander has printed the help; there is nothing to add.
    if (error.code !== "commander.help") say(usageMessage(error, program, args));
    return EXIT_CODE.usage;
  }
  if (error instanceof CliError) {
    say(error.message);
    return error.exitCode;
  }
  if (error instanceof ManycoreError) {
    say(error.message);
    return EXIT_CODE.usage;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`internal error, please report it: ${detail}`);
  return EXIT_CODE.internal;
}

function say(message: string): void {
  process.stderr.write(`manycore: ${message}\n`);
}

function packageVersion(): string {
  const file = new URL("../package.json", entryUrl("index"));
  const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
  const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return hasVersion ? String(manifest.version) : "unknown";
}
