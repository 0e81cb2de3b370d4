import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import {
  decodeValue,
  type Encoded,
  encodeValue,
  type EncodeOptions,
} from "../../dist/wire/codec.js";
import { encodeFrame, FrameDecoder } from "../../dist/wire/frames.js";

/** Sends a value as to another process: through the bytes of a frame. */
export function viaProcess(value: unknown, options: Partial<EncodeOptions> = {}): unknown {
  const encoded = encodeValue(value, { destination: "process", root: "args", ...options });
  return decodeValue(...framed(encoded), { streams: options.streams });
}

/** Takes what was encoded through a frame, as a socket would deliver it. */
export function framed({ bytes, attachments }: Encoded): [Uint8Array, unknown[] | undefined] {
  let received: [Uint8Array, unknown[] | undefined] | undefined;
  const decoder = new FrameDecoder((message, parts) => (received = [message, parts]));
  decoder.push(Buffer.concat(encodeFrame(bytes, attachments as ArrayBuffer[] | undefined)));
  if (received === undefined) throw new Error("The frame did not arrive");
  return received;
}

/** Sends a value as to another thread: through a MessagePort, which moves what is to be moved. */
export function viaThread(value: unknown, options: Partial<EncodeOptions> = {}): unknown {
  const { bytes, attachments, transfer } = encodeValue(value, {
    destination: "thread",
    root: "args",
    ...options,
  });
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage({ bytes, attachments }, (transfer ?? []) as never);
    const received = receiveMessageOnPort(port2)?.message as Encoded;
    return decodeValue(received.bytes, received.attachments, { streams: options.streams });
  } finally {
    port1.close();
  }
}
