import {
  Button,
  Link,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { CheckmarkCircle20Filled } from "@fluentui/react-icons/svg/checkmark-circle";
import { Circle20Regular } from "@fluentui/react-icons/svg/circle";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get, pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { Copyable } from "./copy.tsx";
import { absoluteTime } from "./format.ts";
import { Failed, Name, Time } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { queryOf, type Wish } from "./setup-wish.ts";
import type { Collection, DeviceSetup } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: tokens.spacingVerticalM },
  steps: { listStyle: "none", margin: 0, padding: 0, display: "grid", gap: tokens.spacingVerticalS },
  step: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  good: { color: tokens.colorPaletteGreenForeground1 },
  quiet: { color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
});

const PATH = pathOf(["setup", "device-codes"]);
const POLL_MS = 1_000;

const STEPS: { readonly [name: string]: string } = {
  application: "Register the application",
  principal: "Add it to the tenant's enterprise applications",
  consent: "Grant its permissions",
  credential: "Make its credential, and keep it here, encrypted",
};

/** An administrator signs in with a code on any device, and everything else is done for them. */
export function DeviceSetupPart(props: {
  readonly wish: Wish;
  readonly valid: boolean;
  /** What the application is to get; it stands only before one begins, for the form may have changed since. */
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  const { wish, valid } = props;
  const mine = useQuery({
    queryKey: ["device-setups"],
    queryFn: ({ signal }) => get<Collection<DeviceSetup>>(PATH, signal),
    refetchInterval: ({ state }) => (isOpen(state.data?.items[0]) ? POLL_MS : false),
  });
  const begin = useCommand<DeviceSetup>();
  const forget = useCommand<DeviceSetup>();
  const one = mine.data?.items[0];
  const cancel = (id: string): void => forget.mutate({ method: "DELETE", path: pathOf(["setup", "device-codes", id]) });
  const ready = valid && wish.name.trim() !== "" && wish.tenant.trim() !== "";
  const body = {
    ...queryOf(wish),
    ...(wish.setupClient.trim() === "" ? {} : { setupClient: wish.setupClient.trim() }),
  };
  return (
    <div className={styles.part}>
      {mine.error !== null && <Failed error={mine.error} retry={mine.refetch} />}
      {one === undefined && (
        <>
          {props.children}
          <Text className={styles.quiet}>
            Begin, and give the code that appears to a Privileged Role Administrator or Global Administrator of the
            tenant. They sign in with Microsoft, on any device; the application, its permissions and its credential are
            made on their behalf. The credential goes straight into the store, encrypted; nobody sees it.
          </Text>
          {begin.error !== null && <Failed error={begin.error} />}
          <div>
            <Button
              appearance="primary"
              icon={begin.isPending ? <Spinner size="tiny" /> : null}
              disabledFocusable={!ready || begin.isPending}
              onClick={() => begin.mutate({ method: "POST", path: PATH, body })}
            >
              Begin
            </Button>
          </div>
          {!ready && valid && (
            <Text className={styles.quiet}>The connection's name and its tenant are needed first.</Text>
          )}
        </>
      )}
      {forget.error !== null && <Failed error={forget.error} />}
      {one !== undefined && <Progress setup={one} busy={forget.isPending} onForget={() => cancel(one.id)} />}
    </div>
  );
}

function isOpen(setup: DeviceSetup | undefined): boolean {
  return setup?.state === "waiting" || setup?.state === "registering";
}

function Progress(props: {
  readonly setup: DeviceSetup;
  readonly busy: boolean;
  readonly onForget: () => void;
}): ReactNode {
  const styles = useStyles();
  const { setup, busy, onForget } = props;
  const { name, state, code, account, connection, error } = setup;
  return (
    <>
      {code !== null && <Code name={name} code={code} />}
      {state === "registering" && (
        <Text role="status">
          <bdi>{account}</bdi> signed in; <Name>{name}</Name> is being registered.
        </Text>
      )}
      {state !== "waiting" && <StepList setup={setup} />}
      {connection !== null && (
        <MessageBar intent="success" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>
              <Name>{connection.name}</Name> is connected.
            </MessageBarTitle>{" "}
            Its credential is kept encrypted and ends on {absoluteTime(connection.endsAt)}. Microsoft needs some minutes
            until the consent works everywhere: verify it on{" "}
            <Link inline href={hrefOf({ panel: "connection", id: connection.name })}>
              its page
            </Link>
            .
          </MessageBarBody>
        </MessageBar>
      )}
      {error !== null && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>
              <bdi>{error.message}</bdi>
            </MessageBarTitle>{" "}
            {error.fix}
          </MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.actions}>
        <Button disabledFocusable={busy} icon={busy ? <Spinner size="tiny" /> : null} onClick={onForget}>
          {isOpen(setup) ? "Cancel" : state === "failed" ? "Start again" : "Connect another"}
        </Button>
      </div>
    </>
  );
}

function Code(props: { readonly name: string; readonly code: NonNullable<DeviceSetup["code"]> }): ReactNode {
  const styles = useStyles();
  const { userCode, verificationUri, expiresAt } = props.code;
  const isWeb = /^https?:\/\//.test(verificationUri);
  return (
    <div className={styles.part} role="status">
      <Text>
        To connect <Name>{props.name}</Name>, an administrator opens{" "}
        {isWeb ? (
          <Link inline href={verificationUri} target="_blank" rel="noreferrer">
            {verificationUri}
          </Link>
        ) : (
          verificationUri
        )}{" "}
        on any device and types this code:
      </Text>
      <Copyable label="Code" text={userCode} large />
      <Text className={styles.quiet}>
        It works once, and ends <Time at={expiresAt} due />. Whoever types it acts for the whole organisation: give it
        to nobody else. Waiting for the sign-in …
      </Text>
    </div>
  );
}

function StepList({ setup }: { readonly setup: DeviceSetup }): ReactNode {
  const styles = useStyles();
  const failed = setup.state === "failed";
  if (failed && setup.steps.every(({ state }) => state === "due")) return null;
  return (
    <ol className={styles.steps} aria-label="Progress">
      {setup.steps.map(({ name, state }) => (
        <li key={name} className={styles.step}>
          {state === "done" ? (
            <CheckmarkCircle20Filled className={styles.good} aria-label="Done" />
          ) : state === "begun" && !failed ? (
            <Spinner size="extra-tiny" aria-label="Under way" />
          ) : (
            <Circle20Regular className={styles.quiet} aria-label={state === "begun" ? "Failed" : "Not yet"} />
          )}
          <Text>{STEPS[name] ?? name}</Text>
        </li>
      ))}
    </ol>
  );
}
