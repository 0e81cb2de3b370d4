import type { MapOptions } from "../options.ts";
import type { BlockSource, Segment } from "./block-source.ts";
import { wholeInputs } from "./block-source.ts";
import type { Inputs } from "./inputs.ts";
import { PathLineSource, PathSource } from "./path-source.ts";
import { SelectingSource } from "./selecting-source.ts";
import { ShuffledSource } from "./shuffled-source.ts";
import { TextSource } from "./text-source.ts";

/** The part of the inputs that is still to be done. */
export interface Remainder {
  readonly segments: readonly Segment[];
  /** Only these records of them. */
  readonly only: ReadonlySet<number> | undefined;
  /** Number of records taken before, as `--limit` counts them. */
  readonly taken: number;
}

/** Opens the inputs, or what an earlier run has left of them, as one source of records. */
export function openSource(
  inputs: Inputs,
  options: MapOptions,
  remainder: Remainder | undefined,
): BlockSource {
  const { shape } = inputs;
  const { skip, limit, sample, isShuffled, seed } = options;
  const only = remainder?.only;
  let source = baseSource(inputs, options, remainder?.segments ?? wholeSegments(inputs));
  const most = isShuffled ? Infinity : limit;
  if (skip > 0 || most < Infinity || sample < 1 || only !== undefined) {
    const selection = { skip, limit: only === undefined ? most : Infinity, sample, seed, only };
    source = new SelectingSource(source, shape, selection, remainder?.taken ?? 0);
  }
  if (isShuffled) source = new ShuffledSource(source, shape, seed, limit);
  return source;
}

function wholeSegments({ shape, paths }: Inputs): readonly Segment[] {
  return wholeInputs(shape.format === "files" && !paths.includes("-") ? 1 : paths.length);
}

function baseSource(
  inputs: Inputs,
  options: MapOptions,
  segments: readonly Segment[],
): BlockSource {
  const { shape, paths, sizes, hasHeader } = inputs;
  const { columns, blockBytes, batch } = options;
  if (shape.format === "files" && !paths.includes("-")) {
    const source = new PathSource(paths, segments);
    void source.measure();
    return source;
  }
  const isPaths = shape.format === "files";
  const lines = new TextSource({
    shape,
    paths,
    segments,
    sizes,
    blockBytes,
    batch: isPaths ? 1 : (batch ?? 1),
    hasHeader,
    columns,
  });
  return isPaths ? new PathLineSource(shape, lines) : lines;
}
