import { closeSync, fstatSync, readFileSync, writeSync } from "node:fs";
import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import { os } from "../os/index.ts";
import { openPresent } from "./arena-file.ts";
import { HEADER } from "./layout.ts";
import { onSharedFile } from "./shared-file.ts";
import { performance } from "../util/platform.ts";

/** A lock that nobody could take for so long belongs to a process that is stopped: it is held for microseconds. */
export const STOPPED_MS = 10_000;
/**
 * First and longest pause between two looks. A thousand threads that look every 32 ms take a third of a processor,
 * which leaves the holder its own; few that wait are through long before.
 */
const FIRST_PAUSE_MS = 0.05;
const LONGEST_PAUSE_MS = 32;
const STDERR = 2;

/**
 * The lock of an arena: the kernel's, on the file. It goes when its holder goes, and one need not be a
 * participant to take it.
 *
 * A mapping keeps what it was made from open, and a lock on that beyond the end of a thread that is terminated
 * while it has it. So this lock goes with a descriptor of its own, which Node closes.
 */
export class ArenaLock {
  readonly #path: string;
  readonly #inode: number;
  readonly #header: Int32Array;
  #fd: number | undefined;
  #pauseWord: Int32Array | undefined;

  constructor(path: string, inode: number, header: Int32Array) {
    this.#path = path;
    this.#inode = inode;
    this.#header = header;
  }

  /**
   * Takes it, after any number of others.
   * @param patience - milliseconds in which nobody takes it, after which waiting ends. Without a bound, the wait
   *   for a stopped process is told on standard error, and lasts until that goes on or ends.
   * @throws TimeoutError when patience has ended.
   */
  acquire(patience: number = Infinity): void {
    const fd = this.#open();
    if (!this.#try(fd)) this.#await(fd, patience);
    Atomics.add(this.#header, HEADER.lockings, 1);
  }

  release(): void {
    os().unlockFile(this.#open());
  }

  #try(fd: number): boolean {
    return onSharedFile(this.#path, () => os().tryLockFile(fd));
  }

  #await(fd: number, patience: number): void {
    let seen = this.#lockings;
    let since = performance.now();
    let isTold = false;
    for (let delay = FIRST_PAUSE_MS; ; delay = Math.min(delay * 2, LONGEST_PAUSE_MS)) {
      // Of different lengths, or those who came together would always look together.
      this.#pause(delay * (0.5 + Math.random()));
      if (this.#try(fd)) return;
      const lockings = this.#lockings;
      const now = performance.now();
      if (lockings !== seen) {
        seen = lockings;
        since = now;
      } else if (now - since > patience) {
        throw new TimeoutError(this.#describe(patience));
      } else if (now - since > STOPPED_MS && !isTold) {
        isTold = true;
        tell(`${this.#describe(STOPPED_MS)} This thread waits.`);
      }
    }
  }

  /** How often it was taken: while that changes, others have their turns. */
  get #lockings(): number {
    return Atomics.load(this.#header, HEADER.lockings);
  }

  #describe(ms: number): string {
    const holder = holderOf(this.#inode);
    const who = holder === undefined ? "another process" : `process ${holder}`;
    return `The arena ${this.#path} was locked by ${who} for ${ms / 1000} s. Is it stopped (Ctrl-Z, a debugger)? Let it go on or end it.`;
  }

  #pause(ms: number): void {
    this.#pauseWord ??= new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(this.#pauseWord, 0, 0, ms);
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    const fd = openPresent(this.#path);
    if (fd === undefined || fstatSync(fd).ino !== this.#inode) {
      if (fd !== undefined) closeSync(fd);
      throw new InvalidStateError(
        `${this.#path} was removed or replaced while this program opened it. Try again, and keep tools that tidy up away from that folder.`,
      );
    }
    this.#fd = fd;
    return fd;
  }
}

/** The process id of a lock's holder, for people, where the system shows it: nothing is decided by it. */
function holderOf(inode: number): number | undefined {
  let locks: string;
  try {
    locks = readFileSync("/proc/locks", "utf8");
  } catch {
    return undefined;
  }
  // 1: FLOCK  ADVISORY  WRITE 4711 00:1a:42 0 EOF
  const line = new RegExp(String.raw`^\d+: FLOCK +\S+ +WRITE (\d+) \S+:${inode} `, "m").exec(locks);
  const pid = Number(line?.[1] ?? 0);
  return pid > 0 ? pid : undefined;
}

/** At once: what goes through the event loop would be seen when the wait is over. */
function tell(text: string): void {
  try {
    writeSync(STDERR, `manycore: ${text}\n`);
  } catch {
    // Standard error is closed or full: there is nobody to be told.
  }
}
