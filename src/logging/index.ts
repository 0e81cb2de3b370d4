export { LogCollector, type LogCollectorOptions } from "./collector.ts";
export {
  connectLogServer,
  LogServerLink,
  type LogServerConnectOptions,
} from "./log-server-link.ts";
export { getLogger, logToFiles, logToStderr, setLogLevel } from "./logger.ts";
export type { LogLevel } from "./settings.ts";
