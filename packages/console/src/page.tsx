import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { ConnectionPanel } from "./connection-panel.tsx";
import { Connections } from "./connections.tsx";
import { Header } from "./header.tsx";
import { HeldPlans } from "./held-plans.tsx";
import { People } from "./people.tsx";
import { PersonPanel } from "./person-panel.tsx";
import { PinnedPanel } from "./pinned-panel.tsx";
import { closePlace, usePlace } from "./place.ts";
import { PlanPanel } from "./plan-panel.tsx";
import { ReportPanel } from "./report-panel.tsx";
import { RunPanel } from "./run-panel.tsx";
import { Runs } from "./runs.tsx";
import { SetupPanel } from "./setup-panel.tsx";
import { Syncs } from "./syncs.tsx";
import { UnsyncedPanel } from "./unsynced-panel.tsx";

const useStyles = makeStyles({
  main: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: tokens.spacingVerticalXXL,
    maxWidth: "1240px",
    margin: "0 auto",
    padding: `${tokens.spacingVerticalXL} ${tokens.spacingHorizontalXXL} ${tokens.spacingVerticalXXXL}`,
    "@media (max-width: 640px)": { padding: tokens.spacingHorizontalM, gap: tokens.spacingVerticalXL },
  },
  top: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr)",
    gap: tokens.spacingHorizontalXL,
    alignItems: "start",
    "@media (max-width: 900px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
});

/** The one page: connections, syncs, what waits, and what ran. */
export function Page(): ReactNode {
  const styles = useStyles();
  return (
    <>
      <Header />
      <main className={styles.main}>
        <HeldPlans />
        <div className={styles.top}>
          <Connections />
          <People />
        </div>
        <Syncs />
        <Runs />
      </main>
      <Panels />
    </>
  );
}

function Panels(): ReactNode {
  const place = usePlace();
  if (place === null) return null;
  const props = { id: place.id, onClose: closePlace };
  switch (place.panel) {
    case "run":
      return <RunPanel {...props} />;
    case "plan":
      return <PlanPanel {...props} />;
    case "person":
      return <PersonPanel {...props} />;
    // What is looked for among one sync's records is not meant of another's.
    case "unsynced":
      return <UnsyncedPanel key={place.id} {...props} />;
    case "pinned":
      return <PinnedPanel key={place.id} {...props} />;
    case "report":
      return <ReportPanel {...props} />;
    case "connection":
      return <ConnectionPanel {...props} />;
    case "setup":
      return <SetupPanel {...props} />;
  }
}
