import { useSyncExternalStore } from "react";

/** Which panel is open: it stands in the address, so that it can be linked to and the Back button closes it. */
export type Place =
  | { readonly panel: "run"; readonly id: string }
  | { readonly panel: "plan"; readonly id: string }
  | { readonly panel: "person"; readonly id: string }
  | { readonly panel: "unsynced"; readonly id: string }
  | { readonly panel: "pinned"; readonly id: string }
  | { readonly panel: "report"; readonly id: string }
  | { readonly panel: "connection"; readonly id: string }
  /** For a connection that stands, or for a new one: `new`. */
  | { readonly panel: "setup"; readonly id: string };

/** Stands for the id of what is yet to be made. */
export const NEW = "new";

const PANELS = ["run", "plan", "person", "unsynced", "pinned", "report", "connection", "setup"] as const;

/** The address's fragment that opens a panel. */
export function hrefOf(place: Place): string {
  return `#${place.panel}/${encodeURIComponent(place.id)}`;
}

export function openPlace(place: Place): void {
  location.hash = hrefOf(place);
}

/** Closes the panel; what was opened from within the page is one step back in its history. */
export function closePlace(): void {
  history.pushState(null, "", location.pathname);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The open panel, or null. */
export function usePlace(): Place | null {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const [, name = "", id = ""] = /^#(\w+)\/(.+)$/.exec(hash) ?? [];
  const panel = PANELS.find((one) => one === name);
  return panel === undefined ? null : { panel, id: decoded(id) };
}

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  addEventListener("popstate", changed);
  return () => {
    removeEventListener("hashchange", changed);
    removeEventListener("popstate", changed);
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
