import { executorConformance } from "./executor.ts";

executorConformance("inline");
