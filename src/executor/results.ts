import { runIn } from "../util/async-scope.ts";
import { decodeValue, type StreamPort } from "../wire/codec.ts";
import { decodeThrown, joinStacks } from "../wire/error-codec.ts";
import { ResultStatus } from "./protocol.ts";
import { ChunkFailure } from "./chunk-failure.ts";
import type { StreamHub } from "./streams.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { ResultFrame } from "./worker-messages.ts";

/** A result frame, decoded. */
export interface Outcome {
  readonly failed: boolean;
  /** The value, or what was thrown. */
  readonly value: unknown;
  /** The value holds streams; the task is not at its end. */
  readonly streaming: boolean;
}

/** Imports streams as its hub does, and notes their numbers. */
function noting(hub: StreamHub, opened: number[]): StreamPort {
  return {
    exportStream: (source) => hub.exportStream(source),
    importStream: (id, kind) => {
      opened.push(id);
      return hub.importStream(id, kind);
    },
  };
}

/** Decodes what a worker reported; a value that cannot be decoded is the task's failure. */
export function readResult(link: WorkerLink, entry: TaskEntry, frame: ResultFrame): Outcome {
  const { status, value } = frame;
  if (status === ResultStatus.plain || status === ResultStatus.plainChunk) {
    return { failed: false, value, streaming: false };
  }
  // Classes of the user decode themselves.
  return runIn(entry.scope, () => decodeResult(link, entry, frame));
}

function decodeResult(link: WorkerLink, entry: TaskEntry, frame: ResultFrame): Outcome {
  const { status, value, attachments } = frame;
  try {
    if (status === ResultStatus.thrown) {
      const error = decodeThrown(value as Uint8Array, attachments);
      return { failed: true, value: withStacks(error, link, entry), streaming: false };
    }
    const opened: number[] = [];
    const streams = noting(link.streams, opened);
    const decoded = decodeValue(value as Uint8Array, attachments, { streams });
    entry.results = opened;
    if (status === ResultStatus.brokenChunk) {
      const [values, error] = decoded as [unknown[], Error];
      const failure = new ChunkFailure(values, withStacks(error, link, entry));
      return { failed: true, value: failure, streaming: false };
    }
    return { failed: false, value: decoded, streaming: status === ResultStatus.streaming };
  } catch (error) {
    return { failed: true, value: error, streaming: false };
  }
}

function withStacks(error: unknown, link: WorkerLink, entry: TaskEntry): unknown {
  if (error instanceof Error) joinStacks(error, entry.site?.stack, link.label);
  return error;
}
