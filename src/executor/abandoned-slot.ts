import type { FunctionRecord, TaskEntry } from "./task-entry.ts";

/** Holds the place of a task in its worker after it was given up, until the worker comes back from it. */
export class AbandonedSlot {
  readonly state = "abandoned";
  readonly id: number;
  readonly record: FunctionRecord;
  readonly name: string;
  readonly items: number;
  readonly estimate: number;
  /** The grace, after which its worker is ended. */
  timer: NodeJS.Timeout | undefined;

  constructor(entry: TaskEntry) {
    this.id = entry.id;
    this.record = entry.record;
    this.name = entry.name;
    this.items = entry.items;
    this.estimate = entry.estimate;
  }
}
