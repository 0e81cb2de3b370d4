// A producer and a consumer thread over a queue, until it is empty.
import { isMain, Queue, QueueEmptyError, Thread } from "manycore";

export async function produce(queue: Queue<number>): Promise<void> {
  for (let item = 0; item < 5; item++) await queue.put(item);
}

export async function consume(queue: Queue<number>): Promise<void> {
  for (;;) {
    try {
      console.log(`consumed ${await queue.get({ timeout: 200 })}`);
    } catch (error) {
      if (!(error instanceof QueueEmptyError)) throw error;
      console.log("the queue is empty");
      return;
    }
  }
}

if (isMain(import.meta)) {
  const queue = new Queue<number>();
  const producer = await new Thread({ target: produce, args: [queue] }).start();
  await producer.join();
  const consumer = await new Thread({ target: consume, args: [queue] }).start();
  await consumer.join();
}
