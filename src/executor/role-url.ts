import { extname } from "node:path";

/** The module that workers of executors run. */
export const ROLE: string = new URL(`./worker/role${extname(import.meta.url)}`, import.meta.url)
  .href;
