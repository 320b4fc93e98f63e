import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { get } from "./api.ts";
import type { Collection } from "./types.ts";

const TICK_MS = 20_000;

/** The present, for "three minutes ago"; it moves every twenty seconds. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(query);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => matchMedia(query).matches,
  );
}

/** A value that stays the same until `ms` have gone by without a change. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * For an element that goes while the page stays, as the item of a list does: the focus, where it is within, passes to the
 * nearest element around that takes it, rather than to the page, where no key would reach the panel any more.
 */
export function useFocusPassedOn<T extends HTMLElement>(): RefObject<T | null> {
  const own = useRef<T>(null);
  // A layout effect ends while the element still stands; later the focus is lost already.
  useLayoutEffect(() => {
    const element = own.current;
    return () => {
      if (element?.contains(document.activeElement) !== true) return;
      element.parentElement?.closest<HTMLElement>("[tabindex]")?.focus();
    };
  }, []);
  return own;
}

/** Lists that others change too are read anew this often, beside what the stream of events tells. */
export const REFRESH = { refetchInterval: 30_000 } as const;

/** A collection, page by page. `pathFor` makes the path of the page behind `after`. */
export function usePages<T>(
  key: readonly unknown[],
  pathFor: (after: string | null) => string,
  options: { readonly refetchInterval?: number } = {},
): UseInfiniteQueryResult<InfiniteData<Collection<T>, string | null>, Error> {
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => get<Collection<T>>(pathFor(pageParam), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    ...options,
  });
}

/** The items of all pages read so far. */
export function itemsOf<T>(data: InfiniteData<Collection<T>, string | null> | undefined): readonly T[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}
