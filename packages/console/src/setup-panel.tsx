import { Link, makeStyles, Tab, TabList, Text, tokens } from "@fluentui/react-components";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { get, pathOf } from "./api.ts";
import { Copyable, Script } from "./copy.tsx";
import { DeviceSetupPart } from "./device-setup.tsx";
import { useSettled } from "./hooks.ts";
import { Panel } from "./panel.tsx";
import { Failed, Name, Part, Waiting } from "./parts.tsx";
import { hrefOf, NEW } from "./place.ts";
import { SetupForm } from "./setup-form.tsx";
import { firstWish, isComplete, queryOf, type Wish } from "./setup-wish.ts";
import type { Connection, Guide } from "./types.ts";

const useStyles = makeStyles({
  steps: { margin: 0, paddingInlineStart: tokens.spacingHorizontalXL, display: "grid", gap: tokens.spacingVerticalM },
  step: { overflowWrap: "anywhere", "> * + *": { marginTop: tokens.spacingVerticalXXS } },
  title: { display: "flex", flexWrap: "wrap", alignItems: "baseline", gap: tokens.spacingHorizontalS },
  detail: { whiteSpace: "pre-wrap" },
  quiet: { color: tokens.colorNeutralForeground2 },
  tabs: { flexWrap: "wrap" },
  way: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: tokens.spacingVerticalM },
});

/** What such a detail begins with is typed on the machine where Entrain runs. */
const COMMAND = "entrain ";
const TYPING_MS = 300;
const SCRIPTS: { readonly [kind: string]: string } = {
  "azure-cli": "Azure CLI",
  powershell: "PowerShell",
  terraform: "Terraform",
};

/** How to set a connection up: for a new one also by an administrator who signs in on another device. */
export function SetupPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const isNew = id === NEW;
  const found = useQuery({
    queryKey: ["connection", id],
    queryFn: ({ signal }) => get<Connection>(pathOf(["connections", id]), signal),
    enabled: !isNew,
    refetchOnWindowFocus: false,
  });
  const title = isNew ? (
    "Connect a tenant"
  ) : (
    <>
      Setting up <Name>{found.data?.name ?? "a connection"}</Name>
    </>
  );
  return (
    <Panel title={title} onClose={onClose}>
      {isNew && <Setup connection={null} />}
      {!isNew && found.isPending && <Waiting lines={8} size={24} />}
      {!isNew && found.error !== null && <Failed error={found.error} retry={found.refetch} />}
      {found.data !== undefined && <Setup key={found.data.id} connection={found.data} />}
    </Panel>
  );
}

function Setup({ connection }: { readonly connection: Connection | null }): ReactNode {
  const [wish, setWish] = useState<Wish>(() => firstWish(connection));
  const settled = useSettled(wish, TYPING_MS);
  const query = queryOf(settled);
  const guide = useQuery({
    queryKey: ["setup", query],
    queryFn: ({ signal }) => get<Guide>(pathOf(["setup"], query), signal),
    placeholderData: keepPreviousData,
    enabled: isComplete(settled),
    staleTime: Number.POSITIVE_INFINITY,
  });
  // While what is typed is not valid yet, the features can still be chosen.
  const empty = useQuery({
    queryKey: ["setup", {}],
    queryFn: ({ signal }) => get<Guide>("/setup", signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (empty.isPending) return <Waiting lines={8} size={24} />;
  if (empty.error !== null) return <Failed error={empty.error} retry={empty.refetch} />;
  return (
    <>
      <Part title="What to set up">
        <SetupForm
          wish={wish}
          onChange={setWish}
          features={empty.data.features}
          fixed={connection !== null}
          redirectUri={empty.data.redirectUris[0] ?? null}
        />
      </Part>
      <Ways wish={wish} connection={connection} guide={guide.data ?? null} error={guide.error} />
    </>
  );
}

function Ways(props: {
  readonly wish: Wish;
  readonly connection: Connection | null;
  readonly guide: Guide | null;
  readonly error: Error | null;
}): ReactNode {
  const styles = useStyles();
  const { wish, connection, guide, error } = props;
  const [way, setWay] = useState(connection === null ? "sign-in" : "by-hand");
  const gets = error === null && guide !== null ? <Registered guide={guide} /> : null;
  const script = guide?.scripts.find(({ kind }) => kind === way);
  return (
    <Part title="How">
      <TabList
        className={styles.tabs}
        aria-label="How"
        selectedValue={way}
        onTabSelect={(_event, { value }) => setWay(String(value))}
      >
        {connection === null && <Tab value="sign-in">Sign in</Tab>}
        <Tab value="by-hand">By hand</Tab>
        {Object.entries(SCRIPTS).map(([kind, name]) => (
          <Tab key={kind} value={kind}>
            {name}
          </Tab>
        ))}
      </TabList>
      <div className={styles.way}>
        {error !== null && <Failed error={error} />}
        {way !== "sign-in" && gets}
        {way === "sign-in" && (
          <DeviceSetupPart wish={wish} valid={error === null && isComplete(wish)}>
            {gets}
          </DeviceSetupPart>
        )}
        {error === null && guide !== null && way === "by-hand" && <Steps guide={guide} />}
        {error === null && guide !== null && way in SCRIPTS && script === undefined && (
          <Text className={styles.quiet}>
            The {SCRIPTS[way]} script does not work in this cloud, whose Microsoft Graph it does not speak to. Take
            another way.
          </Text>
        )}
        {error === null && script !== undefined && (
          <>
            <Text className={styles.quiet}>
              Read it, then run it as an administrator. It registers the application with exactly these permissions, and
              ends with the command that connects it here.
            </Text>
            <Script label={`${SCRIPTS[script.kind]} script`} file={script.file} text={script.text} />
          </>
        )}
      </div>
      {connection !== null && (
        <Text>
          <Link href={hrefOf({ panel: "connection", id: connection.id })}>
            Back to <Name>{connection.name}</Name>
          </Link>
        </Text>
      )}
    </Part>
  );
}

/** What the application gets, whichever way it is registered. */
function Registered({ guide }: { readonly guide: Guide }): ReactNode {
  const styles = useStyles();
  const [redirectUri] = guide.redirectUris;
  return (
    <>
      <Text>
        Application permissions: <strong>{guide.permissions.join(", ")}</strong>
      </Text>
      {redirectUri !== undefined && (
        <>
          <Text className={styles.quiet}>Redirect URI, under Web:</Text>
          <Copyable label="Redirect URI" text={redirectUri} />
        </>
      )}
    </>
  );
}

function Steps({ guide }: { readonly guide: Guide }): ReactNode {
  const styles = useStyles();
  return (
    <ol className={styles.steps} aria-label="Steps">
      {guide.steps.map(({ title, link, role, details }) => (
        <li key={title} className={styles.step}>
          <div className={styles.title}>
            <Text weight="semibold">{title}</Text>
            {link !== "" && (
              <Link href={link} target="_blank" rel="noreferrer" aria-label={`Open in the admin centre: ${title}`}>
                Open in the admin centre
              </Link>
            )}
          </div>
          {role !== "none" && (
            <Text block size={200} className={styles.quiet}>
              Needs: {role}
            </Text>
          )}
          {details.map((detail) =>
            detail.startsWith(COMMAND) ? (
              <Copyable key={detail} label={detail} text={`npx ${detail}`} />
            ) : (
              <Text key={detail} block className={styles.detail}>
                {detail}
              </Text>
            ),
          )}
        </li>
      ))}
    </ol>
  );
}
