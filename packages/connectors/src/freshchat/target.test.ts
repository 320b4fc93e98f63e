import { targetConformance } from "@entrain/core/conformance";
import { freshchatCombinations } from "@entrain/simulator";
import { agent, contact, openConformance } from "./testing/bench.ts";

/** Every two values of two questions that Freshchat's documentation leaves open come together in one of these. */
for (const switches of freshchatCombinations()) {
  targetConformance({
    name: `freshchat (${Object.values(switches).join(", ")})`,
    open: () => openConformance({ switches }),
    kinds: [agent, contact],
  });
}
