// For the rivals whose workers must be CommonJS. Needs Node 20.19, the first 20 that requires ES modules.
"use strict";
module.exports = require("./tasks.mjs");
