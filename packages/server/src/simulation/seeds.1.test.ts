import { holdThroughSeeds } from "./part.ts";

holdThroughSeeds(1);
