import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { clearInterval, setInterval } from "../../../util/platform.ts";

const LOOK_EVERY_MS = 500;
/** Below this part of what has to be free, what was started last makes way. */
const EMERGENCY_SHARE = 0.5;

/** Holds a run up while the machine is short of memory. */
export class MemoryGuard {
  readonly #least: number;
  readonly #free: () => number;
  readonly #onEmergency: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  #isShort = false;

  /**
   * @param least - bytes that have to be free; `undefined` looks at nothing.
   * @param onEmergency - called, twice a second, while less than half of that is free.
   */
  constructor(
    least: number | undefined,
    onEmergency: () => void,
    free: () => number = availableMemory,
  ) {
    this.#least = least ?? 0;
    this.#free = free;
    this.#onEmergency = onEmergency;
    if (least === undefined) return;
    this.#look();
    // It keeps the process open: while all wait for memory there is nothing else that would.
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Waits while memory is short. */
  async pass(): Promise<void> {
    while (this.#isShort) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Holds nobody up any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#set(false);
  }

  #look(): void {
    const free = this.#free();
    this.#set(free < this.#least);
    if (free < this.#least * EMERGENCY_SHARE) this.#onEmergency();
  }

  #set(isShort: boolean): void {
    this.#isShort = isShort;
    if (isShort) return;
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** Memory that programs can get: what is free, and what the system keeps only as long as nobody wants it. */
function availableMemory(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
    if (match !== null) return Number(match[1]) * 1024;
  } catch {
    // No /proc here: the system's own figure has to do.
  }
  return freemem();
}
