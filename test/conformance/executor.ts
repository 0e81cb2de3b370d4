import { describe } from "vitest";
import { type KindName, MAKE } from "../executor/kit.ts";
import { testLife } from "./executor-life.ts";
import { testMap } from "./executor-map.ts";
import { testOptions } from "./executor-options.ts";
import { testInitializer } from "./executor-initializer.ts";
import { testRetries } from "./executor-retries.ts";
import { testSizes } from "./executor-sizes.ts";
import { testStreams } from "./executor-streams.ts";
import { testValues } from "./executor-values.ts";

/** Every case that the three executors answer alike; where one differs, the case says so. */
export function executorConformance(kind: KindName): void {
  const make = MAKE[kind];
  describe(`${kind}: values and errors`, () => {
    testValues(kind, make);
  });
  describe(`${kind}: map`, () => {
    testMap(kind, make);
  });
  describe(`${kind}: options of tasks`, () => {
    testOptions(kind, make);
  });
  describe(`${kind}: streams`, () => {
    testStreams(kind, make);
  });
  describe(`${kind}: what initializers are given`, () => {
    testInitializer(kind, make);
  });
  describe.runIf(kind === "process")(`${kind}: sizes`, () => {
    testSizes(make);
  });
  describe(`${kind}: what retries find`, () => {
    testRetries(kind, make);
  });
  describe(`${kind}: workers and ends`, () => {
    testLife(kind, make);
  });
}
