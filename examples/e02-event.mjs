// A thread waits for an event that the main thread sets: the article on win32event, second program.
import { isMain, Thread } from "manycore";
import {
  CreateEvent,
  INFINITE,
  SetEvent,
  WAIT_OBJECT_0,
  WaitForSingleObject,
} from "manycore/win32event";

export function waitForIt(event) {
  console.log("the thread waits for the event");
  const result = WaitForSingleObject(event, INFINITE);
  console.log(`the thread goes on: ${result === WAIT_OBJECT_0 ? "the event was set" : result}`);
}

if (isMain(import.meta)) {
  const event = CreateEvent(null, false, false, null);
  const thread = await new Thread({ target: waitForIt, args: [event] }).start();
  console.log("the main thread sets the event");
  SetEvent(event);
  await thread.join();
}
