// CommonJS on purpose: a cluster pool whose worker file is an ES module hangs (poolifier/poolifier#782).
"use strict";
const { join } = require("node:path");
const { createRequire } = require("node:module");
const tasks = require("../../tasks.cjs");

const { ClusterWorker } = createRequire(join(__dirname, "../../rivals/package.json"))("poolifier");

module.exports = new ClusterWorker({ ...tasks });
