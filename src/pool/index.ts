export type { AsyncCallbacks, ChunkOptions, ImapOptions, PoolOptions, Yielded } from "./options.ts";
export { Pool } from "./pool.ts";
