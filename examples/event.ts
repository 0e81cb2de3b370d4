// One process waits for an event for ever, one with a short timeout; the main process sets it after that.
import { Event, isMain, Process } from "manycore";

export async function waitForEver(event: Event): Promise<void> {
  console.log("for ever: waiting");
  await event.wait();
  console.log(`for ever: event is set: ${event.isSet}`);
}

export async function waitAWhile(event: Event, timeout: number): Promise<void> {
  console.log("a while: waiting");
  console.log(`a while: the wait gave ${await event.wait({ timeout })}`);
}

if (isMain(import.meta)) {
  const event = new Event();
  const blocking = new Process({ target: waitForEver, args: [event], name: "block" });
  const timed = new Process({ target: waitAWhile, args: [event, 200], name: "nonblock" });
  await blocking.start();
  await timed.start();
  await timed.join();
  event.set();
  console.log("main: event is set");
  await blocking.join();
}
