/** The program of a manager's server process. */
import type { Connection } from "../connection/index.ts";
import { decodeMessage } from "../connection/value-message.ts";
import { resolveTask, type TaskIdentity } from "../task/index.ts";
import { loadEverything } from "../util/load-own.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { ManagerServer, type ServerSettings } from "./server.ts";
import { setTimeout } from "../util/platform.ts";

/** Settings of the server process. */
export interface ServeSettings extends ServerSettings {
  readonly initializer: TaskIdentity | undefined;
  /** A message with its arguments. */
  readonly initializerArgs: Uint8Array;
}

/** Outcome of the start. */
export type Report =
  | { readonly kind: "up"; readonly address: ServerSettings["address"] }
  | { readonly kind: "failed"; readonly error: Uint8Array; readonly attachments: unknown[] | null };

/** Milliseconds for what is left over in the process after the server's end. */
const LEFTOVERS_MS = 500;

/** Runs a server until its starter ends it, or is gone. */
export async function serve(starter: Connection<unknown>, settings: ServeSettings): Promise<void> {
  // Proxies that arrive here are made of its classes, as are the objects of own modules.
  await loadEverything();
  // Ctrl-C reaches the whole group: whoever handles it still needs the objects.
  process.on("SIGINT", () => {});
  let server: ManagerServer;
  try {
    const { initializer, initializerArgs } = settings;
    if (initializer !== undefined) {
      const fn = await resolveTask(initializer);
      await Reflect.apply(fn, undefined, decodeMessage(initializerArgs) as unknown[]);
    }
    server = await ManagerServer.listen(settings);
  } catch (error) {
    const { bytes, attachments } = encodeThrown(error, { destination: "process", root: "error" });
    const report: Report = { kind: "failed", error: bytes, attachments: attachments ?? null };
    await starter.send(report);
    starter.close();
    return;
  }
  const onTerm = (): void => {
    // Removes the socket, and then dies of the signal as it would have.
    void server.close();
    process.off("SIGTERM", onTerm);
    process.kill(process.pid, "SIGTERM");
  };
  process.on("SIGTERM", onTerm);
  const report: Report = { kind: "up", address: server.address };
  await starter.send(report);
  // Its next word, or its end, is the end.
  await starter.recv().catch(() => {});
  await server.close();
  starter.close();
  process.off("SIGTERM", onTerm);
  setTimeout(() => process.exit(0), LEFTOVERS_MS).unref();
}
