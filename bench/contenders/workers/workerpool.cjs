"use strict";
const { join } = require("node:path");
const { createRequire } = require("node:module");
const tasks = require("../../tasks.cjs");

const workerpool = createRequire(join(__dirname, "../../rivals/package.json"))("workerpool");

workerpool.worker({
  ...tasks,
  flipMoved(bytes) {
    const flipped = tasks.flip(bytes);
    return new workerpool.Transfer(flipped, [flipped.buffer]);
  },
});
