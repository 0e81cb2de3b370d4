"use strict";
const { join } = require("node:path");
const { createRequire } = require("node:module");
const tasks = require("../../tasks.cjs");

const { ThreadWorker } = createRequire(join(__dirname, "../../rivals/package.json"))("poolifier");

module.exports = new ThreadWorker({ ...tasks });
