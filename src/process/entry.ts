/** The program every process of ours runs: connects to its parent, learns who it is, starts its role. */
import { Socket } from "node:net";
import { writeDirectlyOnUse } from "../util/direct-stdio.ts";
import { loadOwn } from "../util/load-own.ts";
import { decodeValue } from "../wire/codec.ts";
import { type Boot, type Host, type Role, SocketChannel } from "../wire/index.ts";
import { adoptIdentity } from "./identity.ts";
import { startWatchdog } from "./watchdog.ts";

const CHANNEL_FD = 3;
const LANE = { in: 4, out: 5 };
const CLAIMS_FD = 6;

function main(): void {
  const roleUrl = process.argv[2] as string;
  const role = loadOwn(roleUrl) as Promise<Role>;
  writeDirectlyOnUse("stdout", 1);
  writeDirectlyOnUse("stderr", 2);
  const channel = new SocketChannel(new Socket({ fd: CHANNEL_FD }), {
    fd: CHANNEL_FD,
    lane: LANE,
  });
  const early: [unknown[], unknown[] | undefined][] = [];
  const buffer = (frame: unknown[], attachments: unknown[] | undefined): void => {
    early.push([frame, attachments]);
  };
  channel.onFrame = ([, bytes, isWatched], attachments) => {
    channel.onFrame = buffer;
    const boot = decodeValue(bytes as Uint8Array, attachments) as Boot;
    adoptIdentity(boot);
    process.argv.splice(1, process.argv.length, ...boot.argv);
    const host: Host = {
      kind: "process",
      channel,
      boot,
      claims: CLAIMS_FD,
      watchParent: () => {
        if (isWatched !== true) startWatchdog(boot.process.parent?.pid ?? process.ppid);
      },
    };
    void role.then((module) => {
      module.start(host);
      for (const [frame, extra] of early) channel.onFrame(frame, extra);
    });
  };
  // The parent is gone, or wants nothing more of us: nobody is left to report to.
  channel.onClose = () => process.exit(1);
  channel.start();
}

main();
