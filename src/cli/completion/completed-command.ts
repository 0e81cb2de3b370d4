/** An option, as far as completing it goes. */
export interface CompletedOption {
  readonly short: string | undefined;
  readonly long: string | undefined;
  readonly description: string;
  /** The values it takes; none: anything, file names are offered. */
  readonly choices: readonly string[];
  readonly hasValue: boolean;
  readonly isValueOptional: boolean;
}

/** A command, as far as completing it goes. */
export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Words its first argument can be; none: a file. */
  readonly choices: readonly string[];
}

/** The ways to write an option. */
export function flagsOf({ short, long }: CompletedOption): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}
