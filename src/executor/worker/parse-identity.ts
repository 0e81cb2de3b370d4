import { SerializationError } from "../../errors/index.ts";
import { isTaskIdentity, type TaskIdentity } from "../../task/identity.ts";

/** Reads a task's identity from a message. @throws SerializationError when it is none. */
export function parseIdentity(json: string): TaskIdentity {
  const identity: unknown = JSON.parse(json);
  if (!isTaskIdentity(identity)) {
    throw new SerializationError("A worker was told of a function it cannot read.");
  }
  return identity;
}
