import { type Address, type Connection, pipe } from "../connection/index.ts";
import { removeNow } from "../connection/address.ts";
import { EndOfStreamError, ProcessError } from "../errors/index.ts";
import { Process } from "../process/index.ts";
import { encodeMessage } from "../connection/value-message.ts";
import { loseMoves } from "../wire/moves.ts";
import { identify, tasks } from "../task/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { checkOptions } from "../util/option-table.ts";
import { SERVER } from "./option-tables.ts";
import { decodeThrown, joinStacks } from "../wire/error-codec.ts";
import { checkKey } from "../connection/handshake.ts";
import { nameRegistrations } from "./registry.ts";
import type { Report, ServeSettings } from "./serve.ts";
import type { ServerSettings } from "./server.ts";
import type { ManagerOptions } from "./types.ts";

const HAND_OVER_MS = 60_000;
/** Milliseconds for a server to end by itself, by default. */
const SHUTDOWN_MS = 1_000;

/** The process of a server that was started here. */
export class ServerProcess {
  readonly address: Address;
  readonly process: Process<[Connection<unknown>, ServeSettings], void>;
  readonly #control: Connection<unknown>;
  /** The socket of one that may have been killed. */
  readonly #leftover: string | undefined;

  private constructor(
    started: Process<[Connection<unknown>, ServeSettings], void>,
    control: Connection<unknown>,
    address: Address,
    leftover: string | undefined,
  ) {
    this.process = started;
    this.address = address;
    this.#control = control;
    this.#leftover = leftover;
  }

  /** Starts one for a class of managers. */
  static async start(manager: Function, options: ManagerOptions<never[]>): Promise<ServerProcess> {
    const settings = await serverSettings(manager, options);
    const { initializer, initializerArgs } = options;
    // By themselves: they are to be read when the initializer's module is there, with the classes it registers.
    const encoded = encodeMessage(initializerArgs ?? [], "initializerArgs");
    const [control, there] = pipe<unknown>();
    const entry = tasks<typeof import("./serve.ts")>(entryUrl("manager/serve"));
    const child = new Process({
      name: undefined,
      target: entry.serve,
      daemon: true,
      args: [
        there,
        {
          ...settings,
          initializer: initializer === undefined ? undefined : await identify(initializer),
          initializerArgs: Buffer.concat(encoded.parts),
        },
      ],
    });
    try {
      await child.start();
      const address = await firstReport(control, child);
      const isFresh = settings.address === undefined && process.platform !== "win32";
      return new ServerProcess(child, control, address, isFresh ? (address as string) : undefined);
    } catch (error) {
      control.close();
      loseMoves(encoded.moves);
      throw error;
    }
  }

  /** Ends it: asks, and when it does not end within `timeout` terminates and then kills it. */
  async end(timeout: number = SHUTDOWN_MS): Promise<void> {
    this.#control.close();
    const bounds: WaitOptions = { timeout };
    if ((await this.process.join(bounds)) === undefined) {
      this.process.terminate();
      if ((await this.process.join(bounds)) === undefined) this.process.kill();
      await this.process.join();
    }
    if (this.#leftover !== undefined) removeNow(this.#leftover);
  }
}

/** Checks options and finds out how the server finds what was registered. */
export async function serverSettings(
  manager: Function,
  options: ManagerOptions<never[]>,
): Promise<ServerSettings> {
  checkOptions(options, SERVER);
  const { address, authKey, functions, maxBytes } = options;
  return {
    address,
    authKey: checkKey(authKey),
    registrations: await nameRegistrations(manager),
    functions: functions ?? typeof address !== "object",
    maxBytes,
    handOverTimeout: Math.max(0, options.handOverTimeout ?? HAND_OVER_MS),
  };
}

async function firstReport(
  control: Connection<unknown>,
  child: Process<[Connection<unknown>, ServeSettings], void>,
): Promise<Address> {
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller);
  let report: Report;
  try {
    report = (await control.recv()) as Report;
  } catch (error) {
    if (!(error instanceof EndOfStreamError)) throw error;
    const code = await child.join();
    throw new ProcessError(
      `The manager's server ended with exit code ${code} before it was up; see its standard error.`,
      { cause: error },
    );
  }
  if (report.kind === "up") return report.address as Address;
  await child.join();
  const error = decodeThrown(report.error, report.attachments ?? undefined);
  joinStacks(error, caller.stack, `manager process ${child.pid} [manycore]`);
  throw error;
}
