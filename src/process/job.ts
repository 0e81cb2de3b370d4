import { identify, taskName, type TaskIdentity } from "../task/index.ts";
import { encodeValue, type Destination, type Encoded } from "../wire/codec.ts";
import { maxValueBytes } from "../wire/limits.ts";
import { loseMoves, type Move } from "../wire/moves.ts";
import type { Work } from "./handle-options.ts";
import { ChildMessage } from "./messages.ts";

/** The work of a child, beside the arguments. */
export interface Job {
  readonly target: TaskIdentity | undefined;
  /** The subclass whose `run()` is to be called. */
  readonly subclass: TaskIdentity | undefined;
}

/** A frame that is ready to be sent. */
export interface JobFrame {
  readonly frame: readonly unknown[];
  readonly attachments: unknown[] | undefined;
  readonly transfer: unknown[] | undefined;
  /** Objects that are given away with it. */
  readonly moves: readonly Move[];
  /** Name of what runs, for messages. */
  readonly task: string | undefined;
}

/** Arguments of {@link prepareJob}. */
export interface JobParts {
  readonly work: Work | undefined;
  /** The object itself: its own fields travel. */
  readonly handle: object;
  /** Its class, when that overrides `run()`. */
  readonly subclass: Function | undefined;
  readonly destination: Destination;
  readonly transfer: readonly unknown[] | undefined;
}

/**
 * Finds out how the child finds the function or class again and encodes what travels with it.
 *
 * @throws TaskNotFoundError when the target or the subclass cannot be found from outside its module.
 * @throws SerializationError naming the argument (`args[0]…`) or field (`this.…`) that cannot travel.
 */
export async function prepareJob(parts: JobParts): Promise<JobFrame> {
  const { work, handle, destination, transfer } = parts;
  const job: Job = {
    target: work === undefined ? undefined : await identify(work.target),
    subclass: parts.subclass === undefined ? undefined : await identify(parts.subclass),
  };
  const args = encodeValue(work === undefined ? [] : [...work.args], {
    destination,
    root: "args",
    isOwnArray: true,
    maxBytes: maxValueBytes(destination),
    transfer,
  });
  const fields = Object.keys(handle).length === 0 ? undefined : { ...handle };
  const extra = fields === undefined ? undefined : encodeFields(fields, parts, args);
  const attachments = [...(args.attachments ?? []), ...(extra?.attachments ?? [])];
  const moved = [...(args.transfer ?? []), ...(extra?.transfer ?? [])];
  return {
    frame: [
      ChildMessage.run,
      JSON.stringify(job),
      args.bytes,
      extra?.bytes ?? null,
      args.attachments?.length ?? 0,
    ],
    attachments: attachments.length === 0 ? undefined : attachments,
    transfer: moved.length === 0 ? undefined : moved,
    moves: [...(args.moves ?? []), ...(extra?.moves ?? [])],
    task: parts.subclass?.name ?? (work === undefined ? undefined : taskName(work.target)),
  };
}

function encodeFields(fields: object, parts: JobParts, args: Encoded): Encoded {
  const { destination, transfer } = parts;
  try {
    return encodeValue(fields, {
      destination,
      root: "this",
      maxBytes: maxValueBytes(destination),
      transfer,
    });
  } catch (error) {
    loseMoves(args.moves);
    throw error;
  }
}
