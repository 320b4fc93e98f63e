import { MessageBar, MessageBarBody, MessageBarTitle, makeStyles, Text, tokens } from "@fluentui/react-components";
import { type ReactNode, useEffect, useRef } from "react";
import { AdministratorLinkOffer } from "./administrator-link.tsx";
import { pathOf } from "./api.ts";
import { Copyable } from "./copy.tsx";
import { Time } from "./parts.tsx";
import type { Connection } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gap: tokens.spacingVerticalS },
  quiet: { color: tokens.colorNeutralForeground2 },
});

type Last = NonNullable<Connection["consent"]["last"]>;

const OUTCOMES: {
  readonly [R in Last["result"]]: {
    readonly intent: "success" | "warning" | "error";
    readonly title: string;
    readonly fix: string;
  };
} = {
  granted: {
    intent: "success",
    title: "An administrator granted consent.",
    fix: "Microsoft needs up to some minutes until it works everywhere; verify tells when it does.",
  },
  declined: {
    intent: "warning",
    title: "The administrator declined.",
    fix: "Nothing was granted, and the link is used up. Make a new one when they have changed their mind.",
  },
  right_missing: {
    intent: "error",
    title: "The account that opened the link may not consent for the organisation.",
    fix: "Send a new link to a Privileged Role Administrator or Global Administrator.",
  },
  wrong_tenant: {
    intent: "error",
    title: "Consent was given in another tenant.",
    fix: "Make a new link and sign in with an administrator of this connection's own tenant. In the other tenant the application can be removed under Enterprise applications.",
  },
  failed: {
    intent: "error",
    title: "Microsoft refused the consent.",
    fix: "Check that the redirect URI below is registered with the application, and that its permissions are listed; then make a new link.",
  },
};

/** Granting the application's permissions: by oneself, or by a link for an administrator; and what came of it. */
export function Consent(props: { readonly connection: Connection; readonly onGranted: () => void }): ReactNode {
  const styles = useStyles();
  const { connection, onGranted } = props;
  const { consent, redirectUri } = connection;
  useNewAnswer(consent.last, (result) => {
    if (result === "granted") onGranted();
  });
  return (
    <div className={styles.part}>
      {consent.last !== null && <Outcome last={consent.last} />}
      <AdministratorLinkOffer
        path={pathOf(["connections", connection.id, "consent"])}
        act="Grant admin consent"
        send="Make a link to send"
        open="Open Microsoft's consent page"
        who="a Privileged Role Administrator or Global Administrator"
        label="Consent link"
        answeredAt={consent.last?.at ?? 0}
        idle={
          consent.waitingUntil !== null && (
            <Text className={styles.quiet}>A link that was made earlier has not been used yet.</Text>
          )
        }
      />
      <Text className={styles.quiet}>
        The administrator comes back to this redirect URI. It must be registered with the application, under
        Authentication, Web; <code>entrain serve --public-url</code> sets the address that it begins with.
      </Text>
      <Copyable label="Redirect URI" text={redirectUri} />
    </div>
  );
}

function Outcome({ last }: { readonly last: Last }): ReactNode {
  const { intent, title, fix } = OUTCOMES[last.result];
  return (
    <MessageBar intent={intent} layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{title}</MessageBarTitle> {fix} (<Time at={last.at} />)
      </MessageBarBody>
    </MessageBar>
  );
}

/** Tells of an administrator who comes back while the page is open, once. */
function useNewAnswer(last: Last | null, onAnswer: (result: Last["result"]) => void): void {
  const known = useRef(last?.at ?? 0);
  useEffect(() => {
    if (last === null || last.at === known.current) return;
    known.current = last.at;
    onAnswer(last.result);
  }, [last, onAnswer]);
}
