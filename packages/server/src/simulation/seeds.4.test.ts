import { holdThroughSeeds } from "./part.ts";

holdThroughSeeds(4);
