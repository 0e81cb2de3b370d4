import type { BlockBody } from "../input/block.ts";
import type { Output } from "../output/output.ts";
import type { BlockResult } from "../work/block-result.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { FailedRecord } from "../counters/failed-record.ts";
import { clearInterval, performance, setInterval } from "../../../util/platform.ts";

/** Viewers give up on files much larger than this. */
const MAX_BYTES = 200 * 1024 * 1024;
const WRITE_BYTES = 256 * 1024;
const SAMPLE_EVERY_MS = 500;

/** An event of Chrome's trace format; times are microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: "M" | "X" | "C" | "i";
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly s?: "g" | "t";
  readonly cat?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * Writes the timeline of a run: what each worker ran when, progress, memory, failures.
 *
 * It is a JSON array that grows with the run. Should the run be killed, the bracket at its end is missing,
 * which viewers forgive. Beyond {@link MAX_BYTES} events are counted instead of written.
 */
export class TraceFile {
  readonly #output: Output;
  readonly #origin: number = performance.timeOrigin + performance.now();
  readonly #counters: RunCounters;
  readonly #workers = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #maxBytes: number;
  #pending: string[] = ["[\n"];
  #pendingBytes = 2;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #isFirst = true;
  /** Events that found no room. */
  dropped = 0;

  constructor(output: Output, counters: RunCounters, maxBytes: number = MAX_BYTES) {
    this.#output = output;
    this.#counters = counters;
    this.#maxBytes = maxBytes;
    this.#meta("process_name", process.pid, 0, { name: "manycore map" });
    this.#meta("thread_name", process.pid, 0, { name: "command" });
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS).unref();
  }

  /** A block that was run. */
  block(body: BlockBody, result: BlockResult): void {
    const { pid, worker, startedAt, ms, calls } = result;
    this.#introduce(pid, worker);
    const ts = this.#at(startedAt);
    // Ends are rounded as starts are, or neighbours would overlap by a microsecond.
    const span = (from: number, length: number): { ts: number; dur: number } => {
      const begin = this.#at(startedAt + from);
      return { ts: begin, dur: this.#at(startedAt + from + length) - begin };
    };
    const { first, count, source, line } = body;
    this.#add({
      name: count === 1 ? `record ${first}` : `records ${first}-${first + count - 1}`,
      cat: "block",
      ph: "X",
      pid,
      tid: worker,
      ...span(0, ms),
      args: { count, source, line, failed: result.failures.length },
    });
    for (const [index, at, callMs, isOk] of calls) {
      this.#add({
        name: isOk ? `call ${index}` : `call ${index} failed`,
        cat: "call",
        ph: "X",
        pid,
        tid: worker,
        ...span(at, callMs),
      });
    }
    this.#add({ name: "memory", ph: "C", pid, tid: 0, ts, args: { rss: result.memory } });
  }

  /** A record that failed for good. */
  failure({ index, key, error, facts }: FailedRecord): void {
    this.mark(`failed: ${key}`, {
      index,
      error: `${error.name}: ${error.message}`,
      attempts: facts.attempts,
    });
  }

  /** Something that happened at this moment. */
  mark(name: string, args: Readonly<Record<string, unknown>> = {}): void {
    const ts = this.#at(performance.timeOrigin + performance.now());
    this.#add({ name, cat: "event", ph: "i", s: "g", pid: process.pid, tid: 0, ts, args });
  }

  /** Ends the file. @throws what writing failed with. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#sample();
    if (this.dropped > 0) {
      this.#maxed(`${this.dropped} events left out: the file would be larger than viewers take`);
    }
    this.#pending.push("\n]\n");
    this.#flush();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#output.close();
  }

  #introduce(pid: number, worker: number): void {
    if (this.#workers.get(worker) === pid) return;
    this.#workers.set(worker, pid);
    if (pid !== process.pid) this.#meta("process_name", pid, 0, { name: `worker ${worker}` });
    this.#meta("thread_name", pid, worker, { name: `worker ${worker}` });
  }

  #sample(): void {
    const { done, ok, failed } = this.#counters;
    const ts = this.#at(performance.timeOrigin + performance.now());
    const common = { ph: "C", pid: process.pid, tid: 0, ts } as const;
    this.#add({ ...common, name: "records", args: { ok, failed } });
    this.#add({ ...common, name: "memory", args: { rss: process.memoryUsage.rss() } });
    this.#add({ ...common, name: "done", args: { done } });
  }

  #meta(name: string, pid: number, tid: number, args: Readonly<Record<string, unknown>>): void {
    this.#add({ name, ph: "M", pid, tid, args });
  }

  /** Microseconds since the run began; worker and command count from the same clock. */
  #at(epochMs: number): number {
    return Math.max(0, Math.floor((epochMs - this.#origin) * 1000));
  }

  #add(event: TraceEvent): void {
    if (this.#bytes > this.#maxBytes) {
      this.dropped += 1;
      return;
    }
    this.#push(event);
    if (this.#pendingBytes >= WRITE_BYTES) this.#flush();
  }

  /** The note about what is missing has room, whatever the limit. */
  #maxed(name: string): void {
    const ts = this.#at(performance.timeOrigin + performance.now());
    this.#push({ name, cat: "event", ph: "i", s: "g", pid: process.pid, tid: 0, ts });
  }

  #push(event: TraceEvent): void {
    const text = (this.#isFirst ? "" : ",\n") + JSON.stringify(event);
    this.#isFirst = false;
    this.#pending.push(text);
    this.#pendingBytes += text.length;
    this.#bytes += text.length;
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#writing = this.#writing
      .then(() => (this.#failure === undefined ? this.#output.write(bytes) : undefined))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      });
  }
}
