/** One run of one record, as GNU parallel's job log tells it. */
export interface JobRow {
  /** Counted from 1. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly started: number;
  readonly seconds: number;
  /** Bytes of the record, and of its lines in the output. */
  readonly sent: number;
  readonly received: number;
  readonly exitCode: number;
  readonly signal: number;
  readonly command: string;
}

/** The columns, as GNU parallel names them. */
export const JOBLOG_HEADER =
  "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/** A row of the job log. */
export function joblogRow(row: JobRow): string {
  const { seq, started, seconds, sent, received, exitCode, signal } = row;
  const command = row.command.replaceAll(/[\t\r\n]/g, " ");
  return (
    `${seq}\t:\t${started.toFixed(3)}\t${seconds.toFixed(3).padStart(10)}\t${sent}\t${received}` +
    `\t${exitCode}\t${signal}\t${command}\n`
  );
}
