// Loaded before a test's own code by `node --import`, in every process that a test starts too, also on a Node that knows no types.
const folder = process.env.ENTRAIN_FIDELITY;

if (folder !== undefined && process.features.typescript) {
  const { startRecording } = await import("../test/fidelity/recorder.ts");
  startRecording(folder);
}
