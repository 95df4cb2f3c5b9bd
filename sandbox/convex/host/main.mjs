// Entry of the process that holds all Convex deployments. Prints one line of JSON when ready and ends with its standard input.
// Arguments: --folder, --socket, --log, --faults (paths) and --control (address of the sandbox's control endpoint).

import { parseArgs } from "node:util";

import { announce, onParentEnd } from "../../node/parent.mjs";
import { Host, controlServer } from "./host.mjs";

const text = { type: "string" };
const { values } = parseArgs({ options: { folder: text, socket: text, log: text, faults: text, control: text } });

process.on("unhandledRejection", (reason) => console.error(`unhandled rejection: ${reason?.stack ?? reason}`));

const host = new Host(values);
onParentEnd(() => host.close());
await controlServer(host, values.socket);
announce({ ready: true, pid: process.pid });
