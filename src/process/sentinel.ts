import type { ChildProcess } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { setTimeout } from "../util/platform.ts";
import { childProcess } from "../util/builtin.ts";

const SHELL = "/bin/sh";

/** Time for those who wait for their parent's end to tidy up; see `parent-process.ts`. */
const GRACE_SECONDS = 0.3;

/** A sentinel that was killed is replaced at once, and if that one goes, too, only after this. */
const RESTART_MS = 1000;

/**
 * Reads `+ pid start` and `- pid start`; when there is nobody left to write, kills what is left. `start` is when the
 * process began, field 22 of its stat, as ids are used again.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM TSTP
set -f
all=
while read -r op pid start; do
  case $op in
    +) all="$all $pid:$start" ;;
    -) left=; for one in $all; do [ "$one" = "$pid:$start" ] || left="$left $one"; done; all=$left ;;
  esac
done
[ -n "$all" ] || exit 0
sleep ${GRACE_SECONDS}
for one in $all; do
  stat=
  while IFS= read -r line; do stat="$stat $line"; done 2>/dev/null < /proc/\${one%:*}/stat
  set -- \${stat##*) }
  [ "\${20}" = "\${one#*:}" ] && kill -9 "\${one%:*}"
done`;

/**
 * Ends the children of this thread's process when it is gone, also by SIGKILL and while they compute.
 *
 * The end of its channel tells an idle child that its parent is gone; one inside a long loop never reads it. A shell in
 * a session of its own holds the other end of a pipe and knows who is to be ended with it. One for all children: a
 * thread in each that looks for its parent, which {@link startWatchdog} starts where this cannot be had, costs ten
 * megabytes and the start of a V8 isolate.
 */
class Sentinel {
  /** Children that are alive, with the words that name them. */
  readonly #watched: Map<ChildProcess, string> = new Map();
  #shell: ChildProcess | undefined;
  #isRestarting = false;

  /** @returns false when the child has to look after itself. To be called before it can begin to compute. */
  watch(child: ChildProcess): boolean {
    if (!isAvailable() || child.pid === undefined) return false;
    const start = startTimeOf(child.pid);
    if (start === undefined) return false;
    const name = `${child.pid} ${start}`;
    if (this.#shell === undefined && !this.#start()) return false;
    this.#watched.set(child, name);
    this.#write(`+ ${name}\n`);
    child.once("exit", () => this.#forget(child, name));
    return true;
  }

  #forget(child: ChildProcess, name: string): void {
    this.#watched.delete(child);
    if (this.#watched.size > 0) {
      this.#write(`- ${name}\n`);
      return;
    }
    this.#shell?.stdin?.end(`- ${name}\n`);
    this.#shell = undefined;
  }

  #write(words: string): void {
    this.#shell?.stdin?.write(words);
  }

  #start(): boolean {
    let shell: ChildProcess;
    try {
      shell = childProcess().spawn(SHELL, ["-c", SCRIPT, "manycore-sentinel"], {
        stdio: ["pipe", "ignore", "ignore"],
        // Ctrl-C reaches all of the terminal's processes but those of another session.
        detached: true,
        env: {},
        cwd: "/",
      });
    } catch {
      return false;
    }
    const { stdin } = shell;
    shell.on("error", () => this.#restart(shell));
    // Left undefined when there are no descriptors for the pipe.
    if ((stdin as unknown) == null) return false;
    shell.once("exit", () => this.#restart(shell));
    stdin?.on("error", () => {});
    shell.unref();
    (stdin as unknown as { unref(): void }).unref();
    this.#shell = shell;
    return true;
  }

  /** It ended although there are children: somebody killed it, or it could not be started. */
  #restart(shell: ChildProcess): void {
    if (this.#shell !== shell) return;
    this.#shell = undefined;
    const begin = (): void => {
      if (this.#watched.size === 0 || this.#shell !== undefined || !this.#start()) return;
      this.#write([...this.#watched.values()].map((name) => `+ ${name}\n`).join(""));
    };
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    begin();
    setTimeout(() => {
      this.#isRestarting = false;
      begin();
    }, RESTART_MS).unref();
  }
}

/** The one of this thread: its pipe ends with the thread, and so do the children of the thread. */
export const sentinel: Sentinel = new Sentinel();

let available: boolean | undefined;

/** Linux has /proc, which tells a process from a later one of the same id. */
function isAvailable(): boolean {
  available ??=
    process.platform === "linux" && canRun(SHELL) && startTimeOf(process.pid) !== undefined;
  return available;
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The start of a process, in ticks since the machine's. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is a name in parentheses, of any characters; the third stands behind the last one.
    return stat.slice(stat.lastIndexOf(") ") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
