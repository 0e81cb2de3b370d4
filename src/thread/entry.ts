/** The program every thread of ours runs: takes its channel, learns who it is, starts its role. */
import { workerData } from "node:worker_threads";
import { adoptIdentity } from "../process/identity.ts";
import { decodeValue } from "../wire/codec.ts";
import { writeDirectlyOnUse } from "../util/direct-stdio.ts";
import { loadOwn } from "../util/load-own.ts";
import { adoptStopGuard } from "../util/stop-guard.ts";
import { type Boot, type Host, RingChannel, type Role } from "../wire/index.ts";
import type { ThreadStart } from "./spawn.ts";

function main(start: ThreadStart): void {
  adoptStopGuard(start.guard);
  const role = loadOwn(start.role) as Promise<Role>;
  if (start.direct.stdout) writeDirectlyOnUse("stdout", 1);
  if (start.direct.stderr) writeDirectlyOnUse("stderr", 2);
  const boot = decodeValue(start.boot, undefined) as Boot;
  adoptIdentity(boot);
  process.argv.splice(1, process.argv.length, ...boot.argv);
  const channel = new RingChannel(start.port, start.rings.toChild, start.rings.toParent);
  // The starter let go of this thread: nobody is left to report to.
  channel.onClose = () => process.exit(1);
  const host: Host = {
    kind: "thread",
    channel,
    boot,
    claims: start.claims,
    // A thread cannot outlive its process, and Node ends it with the thread that started it.
    watchParent: () => {},
  };
  void role.then((module) => {
    module.start(host);
    channel.start();
  });
}

main(workerData as ThreadStart);
