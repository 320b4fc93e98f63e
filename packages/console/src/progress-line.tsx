import { makeStyles, ProgressBar, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { duration, number, rate } from "./format.ts";
import type { Activity, Progress } from "./types.ts";

const useStyles = makeStyles({
  // For screen readers: each phase once, never every number.
  heard: { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" },
  line: { position: "relative", display: "grid", gap: tokens.spacingVerticalXS },
  text: {
    display: "flex",
    justifyContent: "space-between",
    gap: tokens.spacingHorizontalM,
    fontVariantNumeric: "tabular-nums",
    lineHeight: tokens.lineHeightBase300,
  },
  what: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", minWidth: 0 },
  pace: { whiteSpace: "nowrap", color: tokens.colorNeutralForeground2 },
});

const PHASES: { readonly [phase in Progress["phase"]]: string } = {
  waiting: "Beginning",
  reading: "Reading",
  planning: "Planning",
  applying: "Applying",
  finished: "Finishing",
};

/** How far something under way is: a bar, what it does, its pace and the time left. Always of the same height. */
export function ProgressLine({ name, activity }: { readonly name: string; readonly activity: Activity }): ReactNode {
  const styles = useStyles();
  const { phase, detail, done, total, perSecond, remainingMs, waiting } = activity.progress;
  const amount = total === null ? (done > 0 ? number(done) : "") : `${number(done)} of ${number(total)}`;
  const pace = [
    perSecond === null ? null : `${rate(perSecond)}/s`,
    remainingMs === null ? null : `${duration(Math.max(1000, remainingMs))} left`,
  ].filter((part) => part !== null);
  const what = waiting?.message ?? detail;
  const known = total === null || total === 0 ? {} : { value: Math.min(done, total), max: total };
  return (
    <div className={styles.line}>
      <span role="status" className={styles.heard}>{`${PHASES[phase]} for ${name}`}</span>
      <ProgressBar {...known} thickness="large" aria-label={`Progress of ${name}`} />
      <div className={styles.text}>
        <Text className={styles.what} title={what}>
          {PHASES[phase]} {amount} {what !== "" && `· ${what}`}
        </Text>
        <Text className={styles.pace}>
          {activity.stopping ? "Stopping behind what is being written" : pace.join(" · ")}
        </Text>
      </div>
    </div>
  );
}
