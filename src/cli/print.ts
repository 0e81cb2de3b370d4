import { isReaderGone, openStdout } from "./map/output/output.ts";

/**
 * Writes a text to standard output, all of it.
 *
 * @throws CliError when it cannot be written; not when nobody reads any more (`| head`).
 */
export async function print(text: string): Promise<void> {
  try {
    await openStdout().write(Buffer.from(text));
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}
