import { Badge, Button, Link, makeStyles, Spinner, Text, tokens, useToastController } from "@fluentui/react-components";
import { ClipboardTaskListLtr20Regular } from "@fluentui/react-icons/svg/clipboard-task-list-ltr";
import { Pause20Regular } from "@fluentui/react-icons/svg/pause";
import { Play20Regular } from "@fluentui/react-icons/svg/play";
import { PlayCircle20Regular } from "@fluentui/react-icons/svg/play-circle";
import { RecordStop20Regular } from "@fluentui/react-icons/svg/record-stop";
import type { ReactNode } from "react";
import { useActivities } from "./activity.tsx";
import { ApiFault, pathOf } from "./api.ts";
import { TOASTER, useCommand } from "./commands.ts";
import { usePreviewPlan, useRunEnd } from "./follow.ts";
import { countsInWords, duration, number } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { Notice } from "./notice.tsx";
import { meaningOf, nothingIn } from "./outcome.ts";
import { Empty, Failed, Meaning, More, Name, ResultBadge, Section, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { ProgressLine } from "./progress-line.tsx";
import { Cell, Row, Table } from "./table.tsx";
import type { Activity, Pause, Quarantine, Sync } from "./types.ts";

const useStyles = makeStyles({
  title: { display: "grid" },
  quiet: { color: tokens.colorNeutralForeground3 },
  actions: {
    display: "flex",
    flexWrap: "wrap",
    gap: tokens.spacingHorizontalS,
    justifyContent: "flex-end",
    alignItems: "center",
    "@media (max-width: 720px)": { justifyContent: "flex-start" },
  },
  // As high idle as busy, so that nothing moves when a run begins or ends.
  status: { minHeight: "36px", display: "grid", alignContent: "center" },
  last: { display: "flex", gap: tokens.spacingHorizontalS, alignItems: "center", flexWrap: "wrap" },
});

const COLUMNS = [
  { label: "Sync", wide: true },
  { label: "State" },
  { label: "Synced", end: true },
  { label: "Unsynced", end: true },
  { label: "Lag", end: true },
  { label: "Next run", end: true },
  { label: "", end: true },
];

/** The syncs, how each stands, and the way to run one. */
export function Syncs(): ReactNode {
  const pages = usePages<Sync>(["syncs"], (after) => pathOf(["syncs"], { after, limit: 25 }), REFRESH);
  const syncs = itemsOf(pages.data);
  return (
    <Section id="syncs" title="Syncs">
      {pages.isPending && <Waiting lines={2} size={48} />}
      {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && syncs.length === 0 && (
        <Empty>
          Nothing is synced yet. <code>npx entrain sync add</code> makes the first sync.
        </Empty>
      )}
      {syncs.length > 0 && (
        <Table label="Syncs" columns={COLUMNS}>
          {syncs.map((sync) => (
            <SyncRows key={sync.id} sync={sync} />
          ))}
        </Table>
      )}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Section>
  );
}

function SyncRows({ sync }: { readonly sync: Sync }): ReactNode {
  const styles = useStyles();
  const activity = useActivities().get(sync.id) ?? null;
  const { status } = sync;
  const byHand = status.paused === null ? "By hand" : "When resumed";
  const next = activity !== null ? "Running" : status.nextRun === null ? byHand : <Time at={status.nextRun} due />;
  return (
    <>
      <Row>
        <Cell>
          <div className={styles.title}>
            <Text weight="semibold">
              <Name>{sync.name}</Name>
            </Text>
            <Text size={200} className={styles.quiet}>
              <Name>{sync.connection}</Name> → <Name>{sync.target}</Name> ·{" "}
              {sync.definition.source === "contact" ? `contacts as ${sync.records}` : sync.records}
            </Text>
            <Link
              href={hrefOf({ panel: "report", id: sync.name })}
              aria-label={`Compare with the target: ${sync.name}`}
            >
              <Text size={200}>Compare with the target</Text>
            </Link>
          </div>
        </Cell>
        <Cell label="State">
          <StateBadge sync={sync} activity={activity} />
        </Cell>
        <Cell label="Synced" end>
          {number(status.synced)}
        </Cell>
        <Cell label="Unsynced" end>
          <Unsynced sync={sync} />
        </Cell>
        <Cell label="Lag" end>
          <span title="Directory changes that no run has looked at yet">{number(status.cursorLag)}</span>
        </Cell>
        <Cell label="Next run" end>
          {next}
        </Cell>
        <Cell>
          <Commands sync={sync} activity={activity} />
        </Cell>
      </Row>
      <Row joined>
        <Cell span={COLUMNS.length}>
          <div className={styles.status}>
            {activity === null ? <LastRun sync={sync} /> : <ProgressLine name={sync.name} activity={activity} />}
            {status.paused !== null && <Paused pause={status.paused} />}
            {status.quarantine !== null && <Quarantined quarantine={status.quarantine} />}
            {status.breaker !== null && (
              <Text>
                The target gives no answer since <Time at={status.breaker.since} />. Each run asks it once.
              </Text>
            )}
            {status.blackoutUntil !== null && (
              <Text className={styles.quiet}>
                In a blackout, which ends <Time at={status.blackoutUntil} due />
              </Text>
            )}
          </div>
        </Cell>
      </Row>
    </>
  );
}

function Unsynced({ sync: { name, status } }: { readonly sync: Sync }): ReactNode {
  const href = hrefOf({ panel: "unsynced", id: name });
  return (
    <>
      {status.unsynced === 0 ? (
        "0"
      ) : (
        <Link href={href} aria-label={`${number(status.unsynced)} unsynced records of ${name}`}>
          {number(status.unsynced)}
        </Link>
      )}
      {status.ignored > 0 && (
        <Text size={200} block>
          <Link href={href} aria-label={`${number(status.ignored)} ignored records of ${name}`}>
            {number(status.ignored)} ignored
          </Link>
        </Text>
      )}
      {status.pinned > 0 && (
        <Text size={200} block>
          <Link
            href={hrefOf({ panel: "pinned", id: name })}
            aria-label={`${number(status.pinned)} left alone by ${name}`}
          >
            {number(status.pinned)} left alone
          </Link>
        </Text>
      )}
    </>
  );
}

/** Who paused a sync, since when, until when and why. */
function Paused({ pause: { by, since, until, note } }: { readonly pause: Pause }): ReactNode {
  return (
    <Text>
      Paused by <Name>{by.id}</Name> <Time at={since} />
      {until !== null && (
        <>
          , over <Time at={until} due />
        </>
      )}
      {note !== null && (
        <>
          {": "}
          <Name>{note}</Name>
        </>
      )}
    </Text>
  );
}

/** Why a sync is slowed down, since when, and when it runs by itself again. */
function Quarantined({ quarantine: { since, until, reason, fix } }: { readonly quarantine: Quarantine }): ReactNode {
  return (
    <Text>
      In quarantine since <Time at={since} />, not by itself before <Time at={until} due />: <bdi>{reason}</bdi>{" "}
      <bdi>{fix}</bdi>
    </Text>
  );
}

function LastRun({ sync }: { readonly sync: Sync }): ReactNode {
  const styles = useStyles();
  const run = sync.status.lastRun;
  if (run === null) return <Text className={styles.quiet}>Not run yet.</Text>;
  const meaning = meaningOf(run);
  return (
    <div className={styles.last}>
      <Text className={styles.quiet}>Last run</Text>
      <ResultBadge result={run.result} />
      <Text>
        <Link href={hrefOf({ panel: "run", id: run.run })}>{countsInWords(run.counts) ?? nothingIn(run.result)}</Link>
        {run.failed > 0 && `, ${number(run.failed)} failed`} · <Time at={run.startedAt} />
        {run.ms !== null && ` · ${duration(run.ms)}`}
      </Text>
      {meaning !== null && <Meaning {...meaning} />}
    </div>
  );
}

function StateBadge({ sync, activity }: { readonly sync: Sync; readonly activity: Activity | null }): ReactNode {
  const { lastRun, held, unsynced, ignored, pinned, paused, quarantine } = sync.status;
  const say = (color: "brand" | "warning" | "danger" | "success" | "informative", text: string): ReactNode => (
    <Badge appearance="tint" color={color}>
      {text}
    </Badge>
  );
  if (activity !== null) return say("brand", activity.stopping ? "Stopping" : UNDER_WAY[activity.kind]);
  if (paused !== null) return say("warning", "Paused");
  if (quarantine !== null) return say("danger", "Quarantine");
  if (held.length > 0) return say("warning", "Held");
  if (lastRun === null) return say("informative", "New");
  if (lastRun.result === "failed") return say("danger", "Failed");
  if (lastRun.result === "cancelled") return say("informative", "Stopped");
  if (unsynced > 0) return say("warning", "Partly in step");
  // Whoever is left alone may be otherwise than the source says, and is meant to be.
  if (ignored + pinned > 0) return say("success", `In step but ${number(ignored + pinned)}`);
  return say("success", "In step");
}

const UNDER_WAY: { readonly [kind in Activity["kind"]]: string } = { run: "Running", preview: "Planning" };

function Commands({ sync, activity }: { readonly sync: Sync; readonly activity: Activity | null }): ReactNode {
  const styles = useStyles();
  const { dispatchToast } = useToastController(TOASTER);
  const onFault = (error: Error): void => {
    const { code, fix } = error instanceof ApiFault ? error : { code: "internal", fix: "Load the page again." };
    const fault = { code, message: error.message, fix };
    dispatchToast(<Notice fault={fault} />, { intent: "error", timeout: 10_000 });
  };
  const follow = useRunEnd();
  const plan = usePreviewPlan();
  const run = useCommand<{ readonly run: string }>({ onDone: (answer) => follow(answer.run), onFault });
  const preview = useCommand<{ readonly preview: string }>({
    onDone: (answer) => plan(answer.preview),
    onFault,
  });
  const stop = useCommand<unknown>({ onFault });
  const pause = useCommand<unknown>({ onFault });
  const paused = sync.status.paused !== null;
  const busy = activity !== null || run.isPending || preview.isPending;
  return (
    <div className={styles.actions}>
      {activity !== null && !activity.here && (
        <Text size={200} className={styles.quiet}>
          <bdi>{`Run by ${activity.holder ?? "another process"}`}</bdi>
        </Text>
      )}
      {activity !== null ? (
        <Button
          icon={stop.isPending || activity.stopping ? <Spinner size="tiny" /> : <RecordStop20Regular />}
          disabledFocusable={stop.isPending || activity.stopping}
          aria-label={`Stop ${sync.name}`}
          onClick={() => stop.mutate(pathOf(["syncs", sync.id, "stop"]))}
        >
          Stop
        </Button>
      ) : (
        <Button
          appearance="primary"
          icon={run.isPending ? <Spinner size="tiny" /> : <Play20Regular />}
          disabledFocusable={busy || paused}
          aria-label={`Run now: ${sync.name}`}
          onClick={() => run.mutate(pathOf(["syncs", sync.id, "run"]))}
        >
          Run now
        </Button>
      )}
      <Button
        icon={paused ? <PlayCircle20Regular /> : <Pause20Regular />}
        disabledFocusable={pause.isPending}
        aria-label={paused ? `Resume ${sync.name}` : `Pause ${sync.name}`}
        onClick={() => pause.mutate(pathOf(["syncs", sync.id, paused ? "resume" : "pause"]))}
      >
        {paused ? "Resume" : "Pause"}
      </Button>
      <Button
        icon={preview.isPending ? <Spinner size="tiny" /> : <ClipboardTaskListLtr20Regular />}
        disabledFocusable={busy}
        aria-label={`Plan ${sync.name} without applying`}
        onClick={() => preview.mutate(pathOf(["syncs", sync.id, "plan"]))}
      >
        Plan
      </Button>
    </div>
  );
}
