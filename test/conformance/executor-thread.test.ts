import { executorConformance } from "./executor.ts";

executorConformance("thread");
