// The life of a thread, and a subclass with its own `run`.
import { isMain, Thread } from "manycore";

export class MyThread extends Thread {
  readonly id: number;

  constructor(id: number) {
    super({ name: `worker-${id}` });
    this.id = id;
  }

  override async run(): Promise<void> {
    console.log(`thread ${this.id} runs as ${this.name}`);
  }
}

if (isMain(import.meta)) {
  const thread = new MyThread(1);
  console.log(`made: ${thread.state}`);
  await thread.start();
  console.log(
    `started: ${thread.state === "runnable" || thread.state === "running" || thread.state === "terminated"}`,
  );
  await thread.join();
  console.log(`joined: ${thread.state}`);
}
