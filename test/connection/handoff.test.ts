import { describe } from "vitest";
import { HANDOFF_TRANSITIONS } from "../../dist/connection/handoff.js";
import { testStateTable } from "../helpers/state-table.ts";

describe("the states of an end that is sent", () => {
  testStateTable(
    ["connection/README.md", "## An end that is sent"],
    HANDOFF_TRANSITIONS,
    "offered",
  );
});
