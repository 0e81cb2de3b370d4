import { describe } from "vitest";
import { TASK_TRANSITIONS } from "../../dist/executor/task-state.js";
import { WORKER_TRANSITIONS } from "../../dist/executor/worker-state.js";
import { testStateTable } from "../helpers/state-table.ts";

describe("the states of a task", () => {
  testStateTable(["executor/README.md", "## The states of a task"], TASK_TRANSITIONS, "locating");
});

describe("the states of a worker", () => {
  const heading = "## The states of a worker";
  testStateTable(["executor/README.md", heading], WORKER_TRANSITIONS, "starting");
});
