import { createContext, type ReactNode, useContext } from "react";
import type { Session } from "./types.ts";

const SessionContext = createContext<Session | null>(null);

/** Gives the signed-in operator to everything below. */
export function SessionProvider(props: { readonly session: Session; readonly children: ReactNode }): ReactNode {
  return <SessionContext value={props.session}>{props.children}</SessionContext>;
}

/** The signed-in operator. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSession needs a SessionProvider above it");
  return session;
}
