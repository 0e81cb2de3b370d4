import { Thread } from "manycore";
import { testWorkerHandle } from "./suite.ts";

testWorkerHandle({ name: "Thread", suffix: "Thread", make: (options) => new Thread(options) });
