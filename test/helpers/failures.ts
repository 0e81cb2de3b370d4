/** The error a promise rejects with; fails when it does not. */
export async function rejection<E = Error & { code?: string }>(
  promise: PromiseLike<unknown>,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error("expected a rejection, got a value");
}

/** The error a call throws; fails when it does not. */
export function thrown(call: () => unknown): Error & { code?: string } {
  try {
    call();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error("expected an error, got a value");
}
