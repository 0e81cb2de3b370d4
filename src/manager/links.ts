import { Link } from "./link.ts";
import type { LinkOptions } from "./reach-server.ts";

/** The connections of this thread, by the server they lead to. */
const links: Map<string, Link> = new Map();

/** The connection to a server that is known by its id; made when there is none. */
export function linkTo(options: LinkOptions & { readonly server: string }): Link {
  const present = links.get(options.server);
  if (present !== undefined) return present;
  const link = new Link(options, forget);
  links.set(options.server, link);
  return link;
}

/**
 * Connects to the server at an address.
 *
 * @returns the connection, entered once: the one that was there, if this thread had one to that server.
 */
export async function linkAt(options: LinkOptions): Promise<Link> {
  const link = await new Link(options, forget).ready;
  link.enter();
  const present = links.get(link.server);
  if (present === undefined || present.failure !== undefined) {
    links.set(link.server, link);
    return link;
  }
  present.enter();
  link.leave();
  return present;
}

function forget(link: Link): void {
  if (links.get(link.server) === link) links.delete(link.server);
}
