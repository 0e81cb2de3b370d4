import { inspect } from "node:util";
import type { Host } from "../wire/index.ts";
import { parentIsGone } from "./parent-process.ts";
import { Process } from "./process.ts";
import { runChild } from "./runner.ts";

/** The role of a child process that runs a Process. */
export function start(host: Host): void {
  const { channel } = host;
  const { name, daemon } = host.boot.process;
  channel.onClose = () => parentIsGone(() => process.exit(1));
  host.watchParent();
  ignoreBrokenPipe(process.stdout);
  ignoreBrokenPipe(process.stderr);
  runChild(host, {
    kind: "process",
    base: Process,
    name,
    daemon,
    fail(error) {
      process.exitCode = 1;
      process.stderr.write(`Uncaught error in process ${name}:\n${inspect(error)}\n`);
      // The starter closes its side when it has read everything, also while it is inside joinSync().
      channel.onClose = () => process.exit(1);
      channel.close();
    },
  });
}

/** Somebody who reads no further (`| head`) is no reason to die: as in Python, the exit code stays what it is. */
function ignoreBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
