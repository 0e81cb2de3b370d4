/** Options of the starter that make no sense, or do harm, in a child; true: a value follows as its own word. */
const NOT_INHERITED: ReadonlyMap<string, boolean> = new Map([
  ["-e", true],
  ["--eval", true],
  ["-p", true],
  ["-pe", true],
  ["--print", true],
  ["-i", false],
  ["--interactive", false],
  ["-c", false],
  ["--check", false],
  ["--test", false],
  ["--watch", false],
  ["--watch-path", true],
  ["--watch-preserve-output", false],
  ["--inspect", false],
  ["--inspect-brk", false],
  ["--inspect-wait", false],
  ["--inspect-port", false],
  ["--debug-port", false],
  ["--input-type", true],
]);

/** Options of the test runner that take no value. */
const TEST_FLAGS: ReadonlySet<string> = new Set([
  "--experimental-test-coverage",
  "--experimental-test-module-mocks",
  "--test-coverage-include-all",
  "--test-force-exit",
  "--test-only",
  "--test-randomize",
  "--test-update-snapshots",
]);

/**
 * The Node options a child runs with: those of this process, as Python's children inherit the
 * interpreter's flags, without the ones that name a program or a port (a port can be had once).
 */
export function inheritedExecArgv(execArgv: readonly string[] = process.execArgv): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const word = execArgv[i] as string;
    const name = word.split("=", 1)[0] as string;
    const takesValue = /^--(?:experimental-)?test-/.test(name)
      ? !TEST_FLAGS.has(name)
      : NOT_INHERITED.get(name);
    if (takesValue === undefined) kept.push(word);
    else if (takesValue && !word.includes("=")) i++;
  }
  return kept;
}
