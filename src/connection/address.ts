import { rmSync } from "node:fs";
import { join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { openNamespace } from "../memory/index.ts";
import { badArgument, outOfRange, wrongType } from "../util/argument-error.ts";
import { crypto, net } from "../util/builtin.ts";
import { integer, oneOf, text } from "../util/checks.ts";

/** A TCP address. */
export interface TcpAddress {
  /** Name or IP address of the machine; default: this one, `127.0.0.1`. */
  readonly host?: string | undefined;
  readonly port: number;
}

/**
 * The address of a {@link Listener}: the path of a Unix socket (on Linux also `"\0name"`, an abstract
 * name without a file; on Windows a named pipe `\\.\pipe\name`), or host and port of a TCP socket.
 */
export type Address = string | TcpAddress;

export type AddressFamily = "unix" | "tcp";

/** An address as the system takes it. */
export type Place =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "tcp"; readonly host: string; readonly port: number };

const checkPort = integer(0, 65_535);
const checkWord = oneOf("unix", "tcp");

const LOCAL = "127.0.0.1";
const PIPES = /^\\\\[.?]\\pipe\\/;
/** Bytes of the path in the system's `sockaddr_un`, without the zero at its end. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/**
 * Reads an address that a user gave.
 *
 * @throws TypeError or RangeError when it is none.
 * @throws NotSupportedError when this platform has no such addresses.
 */
export function placeOf(address: Address): Place {
  if (typeof address === "string") return { family: "unix", path: checkPath(address) };
  if (typeof address !== "object" || address === null || !("port" in address)) {
    const expected = 'a path or { host, port }, such as "/run/my.sock" or { port: 6000 }';
    throw wrongType("address", expected, address);
  }
  const { host = LOCAL, port } = address;
  text(host, "address.host");
  if (host === "" || host.includes("\0")) {
    throw outOfRange("address.host", "the name or IP address of a machine", host);
  }
  checkPort(port, "address.port");
  // As Python's AF_INET: never the IPv6 one of the two that the name may stand for.
  return { family: "tcp", host: host === "localhost" ? LOCAL : host, port };
}

/** The family that the options of a listener mean. @throws as {@link placeOf}. */
export function checkFamily(
  family: AddressFamily | undefined,
  address: Address | undefined,
): AddressFamily {
  if (family !== undefined) checkWord(family, "family");
  if (address === undefined) return family ?? "unix";
  const given = typeof address === "string" ? "unix" : "tcp";
  if (family !== undefined && family !== given) {
    throw badArgument(`Expected an address of the family "${family}", got one of "${given}"`);
  }
  return given;
}

function checkPath(path: string): string {
  if (path === "") throw outOfRange("address", "a path", path);
  // Two of them would be one address.
  if (/\p{Surrogate}/u.test(path)) {
    throw outOfRange("address", "a path", path, "it has half of a surrogate pair");
  }
  const { platform } = process;
  if (path.startsWith("\0")) {
    if (platform !== "linux") {
      throw new NotSupportedError(
        "Abstract socket names are known to Linux alone. Use a path, or { host, port }.",
      );
    }
  } else if (PIPES.test(path) !== (platform === "win32")) {
    throw new NotSupportedError(
      platform === "win32"
        ? String.raw`Windows has no Unix sockets here. Use a named pipe, \\.\pipe\name, or { host, port }.`
        : "Named pipes are known to Windows alone. Use a path, or { host, port }.",
    );
  } else if (path.includes("\0")) {
    throw outOfRange("address", "a path", path, "it has a zero byte");
  }
  if (platform !== "win32" && Buffer.byteLength(path) > MAX_PATH_BYTES) {
    const expected = `a path of at most ${MAX_PATH_BYTES} bytes`;
    throw outOfRange("address", expected, path, `it has ${Buffer.byteLength(path)}`);
  }
  return path;
}

/** True for one that the file system shows. */
export function isFile(place: Place): place is Place & { readonly family: "unix" } {
  return place.family === "unix" && !place.path.startsWith("\0") && !PIPES.test(place.path);
}

/** True for a host that needs no name server. */
export function isLiteral(host: string): boolean {
  return net().isIP(host) !== 0;
}

/** An address that nobody uses; `leftover` is a file to be removed with it. */
export function freshPlace(family: AddressFamily): { place: Place; leftover?: string } {
  if (family === "tcp") return { place: { family, host: LOCAL, port: 0 } };
  if (process.platform === "win32") {
    const name = crypto().randomBytes(12).toString("hex");
    return { place: { family, path: String.raw`\\.\pipe\manycore-listener-${name}` } };
  }
  // In a folder that only this user can enter: who may connect is not left to the umask.
  const path = freshSocketPath("listen");
  return { place: { family, path }, leftover: path };
}

/**
 * The path of a new socket in the namespace of this program.
 *
 * @param kind - by which `manycore clean` knows it; the process id in the name is for people.
 */
export function freshSocketPath(kind: "listen" | "log"): string {
  const name = `${kind}-${process.pid}-${crypto().randomBytes(6).toString("hex")}`;
  const path = join(openNamespace(), name);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
  throw new InvalidStateError(
    `The path of a socket may have ${MAX_PATH_BYTES} bytes, and ${path} has ${Buffer.byteLength(path)}: choose a shorter MANYCORE_NAMESPACE or MANYCORE_RUNTIME_DIR, or give an \`address\`.`,
  );
}

const leftovers: Set<string> = new Set();

/** Removes a file or folder also when the program ends without having closed what it belongs to. */
export function removeAtExit(path: string): void {
  if (leftovers.size === 0) process.once("exit", removeAll);
  leftovers.add(path);
}

/** Removes it now. */
export function removeNow(path: string): void {
  leftovers.delete(path);
  if (leftovers.size === 0) process.off("exit", removeAll);
  rmSync(path, { recursive: true, force: true });
}

function removeAll(): void {
  for (const path of leftovers) rmSync(path, { recursive: true, force: true });
}

/** Refuses what is no address. */
export function checkAddress(value: unknown): void {
  placeOf(value as Address);
}
