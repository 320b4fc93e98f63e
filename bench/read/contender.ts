import { setDefaultCACertificates } from "node:tls";
import { answerParent } from "../child.ts";
import { readWithEntrain } from "./entrain.ts";
import { readOnTheFloor } from "./floor.ts";
import { readWithMicrosoft } from "./microsoft.ts";
import type { ReadRequest, ReadTiming } from "./timing.ts";

const READERS = { floor: readOnTheFloor, entrain: readWithEntrain, microsoft: readWithMicrosoft };

if (import.meta.main) {
  answerParent<ReadRequest, ReadTiming>(async ({ address, contender, scheme }) => {
    // Microsoft's client knows no other way to trust an authority.
    setDefaultCACertificates([address.ca]);
    return READERS[contender](address, scheme);
  });
}
