// Loaded before the program where an older Node started it beside itself and holds a channel to it. A signal is passed on by
// that Node; but killed outright it can pass on nothing, and the channel's end is then the stop signal.
let told = false;
const end = () => {
  if (told) return;
  told = true;
  if (!process.emit("SIGTERM", "SIGTERM")) process.exit(143); // Nobody listens for signals yet, so nothing was begun.
};

process.once("disconnect", end);
process.channel?.unref(); // Whoever listens for its end must not live for it.
if (process.connected === false) end();
