export { JoinableQueue } from "./joinable-queue.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export { SimpleQueue } from "./simple-queue.ts";
