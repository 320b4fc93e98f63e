/** Where a file stands in the house, read from its path relative to the repository's root, with forward slashes. */
export interface Place {
  /** `core`, `connectors`, `simulator`, `server`, `console`, or one of the root's own folders: `bench`, `test`, `tools`. */
  readonly area: string;
  readonly isPackage: boolean;
  /** The first folder under the package's `src`; empty for a file that stands in `src` itself, or outside it. */
  readonly room: string;
  /** A test, or its helper (`testing.ts`, in a folder `testing`, or of the simulation): it may import more than the product may. */
  readonly isTest: boolean;
  /** Starts something when it is run; nobody imports it. */
  readonly isProgram: boolean;
}

export function placeOf(path: string): Place {
  const parts = path.split("/");
  const isPackage = parts[0] === "packages";
  const area = (isPackage ? parts[1] : parts[0]) ?? "";
  const inside = isPackage && parts[2] === "src" ? parts.slice(3) : [];
  const name = parts.at(-1) ?? "";
  const isSimulation = area === "server" && inside[0] === "simulation";
  return {
    area,
    isPackage,
    room: inside.length > 1 ? (inside[0] ?? "") : "",
    isTest: /\.test\.tsx?$|^testing\.ts$/.test(name) || parts.includes("testing") || isSimulation,
    isProgram: /^(main|cli)\.tsx?$/.test(name),
  };
}
