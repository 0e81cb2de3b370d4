export {
  type AsyncCallbacks,
  type ChunkOptions,
  type ImapOptions,
  Pool,
  type PoolOptions,
  type Yielded,
} from "./pool.ts";
