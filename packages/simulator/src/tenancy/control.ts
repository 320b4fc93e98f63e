import type { Stores } from "../graph/stores.ts";

/** Levers on what a tenant has beside its directory. */
export interface TenancyControl {
  /** Replaces the tenant's products, by part number such as `SPE_E3`. Throws one sentence when one is unknown. */
  setLicences(partNumbers: readonly string[]): void;
  /** Gives a person a photo, another one, or none. */
  setPhoto(id: string, present: boolean): void;
}

export function tenancyControl({ licences, photos }: Stores): TenancyControl {
  return {
    setLicences: (partNumbers) => licences.set(partNumbers),
    setPhoto: (id, present) => photos.set(id, present),
  };
}
