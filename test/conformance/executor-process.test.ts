import { executorConformance } from "./executor.ts";

executorConformance("process");
