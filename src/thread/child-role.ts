import type { Host } from "../wire/index.ts";
import { runChild } from "../process/runner.ts";
import { adoptPath } from "./self.ts";
import { adoptStatus } from "./status-word.ts";
import { Thread } from "./thread.ts";

/** The role of a worker thread that runs a Thread. */
export function start(host: Host): void {
  adoptStatus(host.claims as SharedArrayBuffer);
  adoptPath((host.boot.data as { path: readonly number[] }).path);
  const { name, daemon } = host.boot.thread ?? { name: "Thread", daemon: false };
  runChild(host, {
    kind: "thread",
    base: Thread,
    name,
    daemon,
    fail() {
      void Promise.all([flush(process.stdout), flush(process.stderr)]).then(() => process.exit(1));
    },
  });
}

/** Waits until the starter has taken what was written to a piped stream; at once for a shared one. */
async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
