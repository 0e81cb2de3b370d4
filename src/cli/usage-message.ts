import type { Command, CommanderError } from "commander";

/** Names of options elsewhere, by their names here. */
const SISTERS: Readonly<Record<string, readonly string[]>> = {
  "--jobs": [
    ..."--workers --worker --max-workers --maxWorkers --num-workers --threads --num-threads".split(
      " ",
    ),
    ..."--processes --procs --max-procs --nproc --cores --cpus --concurrency --parallel".split(" "),
    ..."--parallelism --pool-size --max-jobs -p -P -w -t -c".split(" "),
  ],
  "--batch": ["--batch-size", "--batchSize", "--max-args", "--group-size", "-N"],
  "--chunk": ["--chunk-size", "--chunksize", "--chunkSize"],
  "--retries": ["--retry", "--max-retries", "--attempts", "--tries"],
  "--fail-fast": ["--bail", "--exit-on-error", "--stop-on-error", "--halt-on-error"],
  "--output": ["--out", "--outfile", "--results", "--out-file"],
  "--unordered": ["--no-order", "--no-keep-order", "--as-completed"],
  "--null": ["--null-data", "--zero", "--print0", "-z"],
  "--input": ["--arg-file", "--infile", "--file", "-f", "-i"],
  "--quiet": ["--silent", "-s"],
  "--shuf": ["--shuffle"],
  "--init": ["--initializer", "--setup"],
  "--teardown": ["--finalizer", "--cleanup"],
  "--max-tasks-per-worker": ["--maxtasksperchild", "--max-tasks-per-child"],
  "--worker-memory": ["--max-memory", "--memory", "--max-memory-per-worker"],
};

/** The fault in the words of a command line, as one sentence, with the word that was meant if one is known. */
export function usageMessage(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): string {
  const text = error.message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)/s, " (did you mean $1?)")
    .replace(/^unknown option '([^']*)'/, "Unknown option $1")
    .replace(/^unknown command '([^']*)'/, "Unknown command $1");
  const [, option] = /^Unknown option ([^\s=]+)/.exec(text) ?? [];
  const [, command] = /^Unknown command (.+?)(?: \(did you mean .*)?$/s.exec(text) ?? [];
  let message = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  const here = program.commands.find((one) => one.name() === args[0]);
  if (option !== undefined) message = optionMessage(message, option, here ?? program);
  if (command !== undefined) message = commandMessage(message, command, program);
  return `${message}\nSee manycore ${here === undefined ? "" : `${here.name()} `}--help`;
}

/** A name from elsewhere beats one that happens to look alike. */
function optionMessage(message: string, option: string, command: Command): string {
  for (const [name, sisters] of Object.entries(SISTERS)) {
    if (!command.options.some(({ long }) => long === name)) continue;
    // `-p4` is written for `-p 4`.
    const isShort = /^-[a-zA-Z]\d+$/.test(option) && sisters.includes(option.slice(0, 2));
    if (sisters.includes(option) || isShort)
      return `Unknown option ${option} (did you mean ${name}?)`;
  }
  return message;
}

function commandMessage(message: string, command: string, program: Command): string {
  if (/[#/]|\.[cm]?[jt]sx?$/.test(command)) {
    return `Unknown command ${command} (did you mean manycore map ${command}?)`;
  }
  if (message.includes("(did you mean")) return message;
  const names = program.commands.map((one) => one.name());
  return `${message}; there are ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
