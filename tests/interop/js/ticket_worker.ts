// The ticket worker of @typeberry/jam. Release 0.11.0 names this file (bootstrap-main.ts) and does not contain it,
// and without its tickets no block is made. What it must answer is what the caller's side of the release shows: a
// port arrives, "ready" goes back, then each message on the port is one batch of ring signatures to make.
import { parentPort } from "node:worker_threads";
import { bandersnatch } from "@typeberry/native";

const prover = await bandersnatch.default();

function answer({ params }) {
  try {
    const signatures = prover.batchGenerateRingVrfForValidators(
      params.ringKeysData,
      params.proverKeyIndices,
      params.secretSeedsData,
      params.secretSeedDataLen,
      params.inputsData,
      params.vrfInputDataLen,
    );
    // A copy: what the native code returns is a view of its own memory, which cannot be sent.
    return { isOk: true, isError: false, ok: { signatures: Uint8Array.from(signatures) } };
  } catch (error) {
    return { isOk: false, isError: true, error: String(error) };
  }
}

parentPort.once("message", (port) => {
  port.on("message", (request) => port.postMessage(answer(request)));
  port.once("close", () => process.exit(0));
  parentPort.postMessage("ready");
});
