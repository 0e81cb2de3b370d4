import { expect, test } from "vitest";
import { inheritedExecArgv } from "../../dist/process/exec-argv.js";

test.each([
  [
    ["--no-warnings", "--import", "tsx"],
    ["--no-warnings", "--import", "tsx"],
  ],
  [["-e", "code()", "--no-warnings"], ["--no-warnings"]],
  [["--eval=code()", "--input-type=module"], []],
  [["--inspect", "--inspect-brk=9229", "--inspect-port=0", "--expose-gc"], ["--expose-gc"]],
  [["--test", "--test-name-pattern=x", "--watch"], []],
  [
    ["--test", "--test-name-pattern", "adds", "--test-only", "--test-timeout", "9", "--expose-gc"],
    ["--expose-gc"],
  ],
  [["--experimental-test-coverage", "--test-isolation=none", "--no-warnings"], ["--no-warnings"]],
])("%j is inherited as %j", (given, kept) => {
  expect(inheritedExecArgv(given)).toEqual(kept);
});
