import { spawn } from "node:child_process";
import { startOtherLoad } from "./other-load.mjs";

/** The line of a run's standard output that carries its figures. */
export const RESULT_MARK = "@@figures ";

/** What a run may take to end by itself after its result; then it counts as not ending. */
const EXIT_GRACE_MS = 5000;

/**
 * Runs one measurement in a process group of its own, so that everything it started ends with it.
 *
 * @returns `{ status: "ok", values, notes }`, `{ status: "never ended" }` after `timeoutMs` without a result,
 *   or `{ status: "failed", message }`.
 */
export function launch(command, args, { timeoutMs }) {
  return new Promise((resolve) => {
    const otherLoad = startOtherLoad();
    const start = performance.now();
    const child = spawn(command, args, {
      detached: true,
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    let values;
    let wallMs;
    let isLate = false;
    let timer = setTimeout(giveUp, timeoutMs);

    function giveUp() {
      isLate = true;
      killGroup(child.pid);
    }
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (values !== undefined || !output.includes(RESULT_MARK)) return;
      const line = output.slice(output.indexOf(RESULT_MARK) + RESULT_MARK.length);
      if (!line.includes("\n")) return;
      values = JSON.parse(line.slice(0, line.indexOf("\n")));
      clearTimeout(timer);
      timer = setTimeout(giveUp, EXIT_GRACE_MS);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (errors = (errors + text).slice(-4000)));
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ status: "failed", message: error.message });
    });
    child.on("exit", () => {
      wallMs = performance.now() - start;
      // Whatever it left behind would disturb the next run and hold the pipes open.
      killGroup(child.pid);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const load = otherLoad();
      if (values !== undefined) {
        const notes = isLate ? ["did not exit after close"] : [];
        resolve({ status: "ok", values: { ...values, wallMs }, notes, load });
      } else if (isLate) resolve({ status: "never ended", load });
      else resolve({ status: "failed", message: reason(code, signal, errors), load });
    });
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // No such group: everything has ended.
  }
}

function reason(code, signal, errors) {
  if (code === 13) return "a promise never settled (exit code 13)";
  const line = errors.split("\n").findLast((text) => /Error\b/.test(text));
  return line?.trim().slice(0, 160) ?? `ended without a result (${signal ?? `exit code ${code}`})`;
}

/** Settings of a shell that slow the start of Node or Python or change what is measured. */
const DISTURBING = [
  "NODE_EXTRA_CA_CERTS",
  "NODE_OPTIONS",
  "NODE_V8_COVERAGE",
  "PYTHONDONTWRITEBYTECODE",
  "PYTHONUNBUFFERED",
];

function cleanEnvironment() {
  const left = Object.entries(process.env).filter(
    ([name]) => !DISTURBING.includes(name) && !name.startsWith("npm_"),
  );
  return Object.fromEntries(left);
}
