import {
  createDOMRenderer,
  FluentProvider,
  RendererProvider,
  Spinner,
  SSRProvider,
  Toaster,
  webDarkTheme,
  webLightTheme,
} from "@fluentui/react-components";
import { QueryCache, QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { ActivityProvider } from "./activity.tsx";
import { ApiFault, get } from "./api.ts";
import { TOASTER } from "./commands.ts";
import { useMedia } from "./hooks.ts";
import { Page } from "./page.tsx";
import { Failed } from "./parts.tsx";
import { SessionProvider } from "./session.tsx";
import { SignedOut } from "./signed-out.tsx";
import type { Session } from "./types.ts";

/** The console: its style engine, its theme, its queries, and whoever is signed in. */
export function App(): ReactNode {
  const dark = useMedia("(prefers-color-scheme: dark)");
  const [renderer] = useState(() => createDOMRenderer(document, { styleElementAttributes: nonceAttributes() }));
  const [client] = useState(createQueryClient);
  const theme = dark ? webDarkTheme : webLightTheme;

  useEffect(() => {
    document.body.style.margin = "0";
    document.body.style.background = theme.colorNeutralBackground2;
  }, [theme]);

  return (
    <RendererProvider renderer={renderer} targetDocument={document}>
      <SSRProvider>
        <FluentProvider theme={theme} style={{ background: "transparent" }}>
          <QueryClientProvider client={client}>
            <Gate />
          </QueryClientProvider>
          <Toaster toasterId={TOASTER} position="bottom-end" limit={4} pauseOnHover />
        </FluentProvider>
      </SSRProvider>
    </RendererProvider>
  );
}

/** Shows the page to whoever is signed in, and how to sign in to everyone else. */
function Gate(): ReactNode {
  const session = useQuery({
    queryKey: ["session"],
    queryFn: ({ signal }) => get<Session>("/session", signal),
    staleTime: 60_000,
    refetchInterval: 300_000,
  });
  if (session.error instanceof ApiFault && session.error.status === 401) return <SignedOut />;
  if (session.data !== undefined) {
    return (
      <SessionProvider session={session.data}>
        <ActivityProvider>
          <Page />
        </ActivityProvider>
      </SessionProvider>
    );
  }
  if (session.isPending) return <Spinner label="Opening the console" style={{ padding: "20vh 0" }} />;
  return <Failed error={session.error} retry={session.refetch} />;
}

function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const ended = error instanceof ApiFault && error.status === 401;
        if (ended && query.queryKey[0] !== "session") void client.invalidateQueries({ queryKey: ["session"] });
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the API refused it refuses again; only what never reached it is worth another try.
        retry: (failures, error) => failures < 2 && !(error instanceof ApiFault && error.status !== 0),
      },
    },
  });
  return client;
}

/** The server's nonce lets the style elements that Fluent makes pass the Content-Security-Policy. */
function nonceAttributes(): { readonly [name: string]: string } {
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
  return nonce === undefined || nonce === "" ? {} : { nonce };
}
