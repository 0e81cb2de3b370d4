export { Arena, type CellId, type Place, type Words } from "./arena.ts";
export { STOPPED_MS } from "./arena-lock.ts";
export { allocateMemory, checkSize } from "./arena-file.ts";
export { errnoOf, explainFileError, onSharedFile } from "./shared-file.ts";
export {
  checkFolder,
  chosenNamespace,
  namespaceFolder,
  openNamespace,
  runtimeFolder,
} from "./namespace.ts";
export * from "./layout.ts";
export { createSegment, MAX_SEGMENT_BYTES, openSegment } from "./segment.ts";
export { SegmentReaper } from "./segment-reaper.ts";
