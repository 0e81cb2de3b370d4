import { Process } from "manycore";
import { testWorkerHandle } from "./suite.ts";

testWorkerHandle({ name: "Process", suffix: "Process", make: (options) => new Process(options) });
