// Five processes take a named mutex in turn, then go through a named semaphore of two: the first
// programs of the article on win32event, which run on Linux and macOS here.
import { isMain, Process } from "manycore";
import {
  CloseHandle,
  CreateMutex,
  CreateSemaphore,
  INFINITE,
  ReleaseMutex,
  ReleaseSemaphore,
  WaitForSingleObject,
} from "manycore/win32event";

const MUTEX = `e01-mutex-${process.env.E01_RUN ?? process.pid}`;
const SEMAPHORE = `e01-semaphore-${process.env.E01_RUN ?? process.pid}`;
process.env.E01_RUN ??= String(process.pid);

export function withMutex(number) {
  const mutex = CreateMutex(null, false, MUTEX);
  WaitForSingleObject(mutex, INFINITE);
  console.log(`process ${number} has the mutex`);
  console.log(`process ${number} releases the mutex`);
  ReleaseMutex(mutex);
  CloseHandle(mutex);
}

export function withSemaphore(number) {
  const semaphore = CreateSemaphore(null, 2, 2, SEMAPHORE);
  WaitForSingleObject(semaphore, INFINITE);
  console.log(`process ${number} is in`);
  console.log(`process ${number} is out`);
  ReleaseSemaphore(semaphore, 1);
  CloseHandle(semaphore);
}

if (isMain(import.meta)) {
  for (const target of [withMutex, withSemaphore]) {
    const processes = [1, 2, 3, 4, 5].map((number) => new Process({ target, args: [number] }));
    await Promise.all(processes.map((each) => each.start()));
    await Promise.all(processes.map((each) => each.join()));
  }
}
