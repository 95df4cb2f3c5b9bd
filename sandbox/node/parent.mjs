// Dies with the supervisor: it holds the other end of standard input, and the kernel closes it however the supervisor ends.

/** Call `end` once when the supervisor is gone or asks for it; exits when `end` is done, or takes too long. */
export function onParentEnd(end) {
  let ending = false;
  const stop = async () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), 2500).unref();
    try {
      await end();
    } finally {
      process.exit(0);
    }
  };
  process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** Tell the supervisor that this process is ready; must be the first line on standard output. */
export function announce(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
