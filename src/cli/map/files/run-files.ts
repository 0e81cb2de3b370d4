import type { FinishedBlock } from "../output/finished-block.ts";
import type { Output } from "../output/output.ts";
import type { BlockSink } from "../output/output-queue.ts";
import type { RunOutputs } from "./run-outputs.ts";
import { clearInterval, setInterval } from "../../../util/platform.ts";

/** Once a second is seldom enough not to be noticed, and little enough to be done again. */
const COMMIT_EVERY_MS = 1000;

/**
 * Writes what became of blocks: first the lines, then what the journal says about them.
 *
 * The journal never tells of lines that are not written, so a run that ends at any moment can be resumed:
 * what stands behind the last journalled offset is cut off and done again.
 */
export class RunFiles implements BlockSink {
  readonly #outputs: RunOutputs;
  readonly #fold: (partial: Uint8Array) => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param fold - gets what values were folded to, in the order of the output. */
  constructor(outputs: RunOutputs, fold: (partial: Uint8Array) => void) {
    this.#outputs = outputs;
    this.#fold = fold;
    if (outputs.journal?.fsync === "batch") {
      this.#timer = setInterval(() => void this.#commitQuietly(), COMMIT_EVERY_MS).unref();
    }
  }

  /** True when a block has to be whole to be written. */
  get isJournalled(): boolean {
    return this.#outputs.journal !== undefined;
  }

  async write(blocks: readonly FinishedBlock[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { output, errors, joblog, journal } = this.#outputs;
    const parts: Uint8Array[] = [];
    for (const block of blocks) {
      for (const part of block.parts) if (part.length > 0) parts.push(part);
      for (const partial of block.partials) this.#fold(partial);
    }
    await writeAll(output, parts);
    await writeText(errors, blocks.map((block) => block.errors).join(""));
    await writeText(joblog, blocks.map((block) => block.log).join(""));
    if (journal === undefined) return;
    journal.note(blocks, {
      output: output.offset,
      errors: errors?.offset ?? 0,
      joblog: joblog?.offset ?? 0,
    });
    if (journal.fsync !== "batch") await this.#commit();
  }

  /** Writes lines to the output that belong to no block. */
  writeLines(lines: Uint8Array): Promise<void> {
    return this.#outputs.output.write(lines);
  }

  /** Ends all files; the journal last, with what is left to say. */
  async close(isComplete: boolean): Promise<void> {
    clearInterval(this.#timer);
    const { output, errors, joblog, journal } = this.#outputs;
    // Never rejects: what it fails with is kept.
    await this.#committing;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (isComplete) journal?.noteEnd();
    await this.#commit();
    await output.close();
    await errors?.close();
    await joblog?.close();
    await journal?.close();
  }

  /** Never rejects: the failure is kept for the next write. */
  async #commitQuietly(): Promise<void> {
    if (this.#committing !== undefined) return;
    this.#committing = this.#commit().catch((error: unknown) => {
      this.#failure ??= { error };
    });
    await this.#committing;
    this.#committing = undefined;
  }

  async #commit(): Promise<void> {
    const { output, errors, joblog, journal } = this.#outputs;
    if (journal?.hasNotes !== true) return;
    // What is noted from now on may not be on the disk yet when the journal is.
    const notes = journal.takeNotes();
    if (journal.fsync !== "never") {
      await output.sync();
      await errors?.sync();
      await joblog?.sync();
    }
    await journal.append(notes);
  }
}

/** One write instead of many: each costs more than copying. */
async function writeAll(output: Output, parts: readonly Uint8Array[]): Promise<void> {
  const [first] = parts;
  if (first === undefined) return;
  await output.write(parts.length === 1 ? first : Buffer.concat(parts));
}

async function writeText(output: Output | undefined, text: string): Promise<void> {
  if (output !== undefined && text !== "") await output.write(Buffer.from(text));
}
