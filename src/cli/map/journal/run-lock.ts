import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpathSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import { clearTimeout, setTimeout } from "../../../util/platform.ts";

/** A run that lives answers at once, unless it is stopped or its machine very busy. */
const ANSWER_MS = 2000;
/** No process id is longer; more is said by something else. */
const MAX_ANSWER = 32;

/**
 * Keeps a second run off the same journal.
 *
 * It is a socket that listens: the system closes it with the process that holds it, however that ends, so
 * that there is no lock of a dead one to be cleared away.
 */
export class RunLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws CliError when another run has it. */
  static async take(journal: string): Promise<RunLock> {
    const path = socketPath(journal);
    for (let tries = 0; tries < 3; tries++) {
      const server = createServer((socket) => {
        // Whoever asks may be gone before it has the answer.
        socket.on("error", () => socket.destroy());
        socket.end(`${process.pid}\n`);
      });
      if (await listens(server, path)) return new RunLock(server.unref());
      const holder = await holderOf(path);
      if (holder !== undefined) throw held(journal, holder);
      removeStale(path);
    }
    throw held(journal, "");
  }

  async release(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Names of sockets are short; those of files need not be. */
function socketPath(journal: string): string {
  const place = join(realpathSync(dirname(journal)), basename(journal));
  const hash = createHash("sha256").update(place).digest("hex").slice(0, 24);
  return join(tmpdir(), `manycore-map-${hash}.lock`);
}

async function listens(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path);
    await once(server, "listening");
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") return false;
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot lock the journal by ${path}: ${detail}`, undefined, {
      cause: error,
    });
  }
}

function held(journal: string, holder: string): CliError {
  const who = holder === "" ? "" : ` (process ${holder})`;
  return new CliError(
    `Another run${who} is writing ${journal}; wait for it, or end it first`,
    EXIT_CODE.refused,
  );
}

/**
 * The process id of the run behind the socket; empty when it does not say in time (it may be stopped).
 *
 * @returns `undefined` when nobody does.
 */
async function holderOf(path: string): Promise<string | undefined> {
  const socket = connect(path);
  const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
  try {
    await once(socket, "connect");
    let answer = "";
    for await (const piece of socket.setEncoding("utf8")) {
      answer += String(piece);
      if (answer.length > MAX_ANSWER) break;
    }
    return /^(\d+)\n/.exec(answer)?.[1] ?? "";
  } catch (error) {
    // Left behind by a run that was killed, or taken away just now.
    if (codeOf(error) === "ECONNREFUSED" || codeOf(error) === "ENOENT") return undefined;
    return "";
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
