import { describe } from "vitest";
import { CHILD_TRANSITIONS } from "../../dist/process/child-state.js";
import { testStateTable } from "../helpers/state-table.ts";

describe("the states of a child", () => {
  testStateTable(["process/README.md", "## The states of a child"], CHILD_TRANSITIONS, "new");
});
