import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const NARROW = "@media (max-width: 720px)";

const useStyles = makeStyles({
  frame: {
    marginTop: tokens.spacingVerticalM,
    backgroundColor: tokens.colorNeutralBackground1,
    borderRadius: tokens.borderRadiusMedium,
    boxShadow: tokens.shadow4,
    overflow: "hidden",
  },
  table: { width: "100%", borderCollapse: "collapse", [NARROW]: { display: "block" } },
  head: { [NARROW]: { display: "none" } },
  body: { [NARROW]: { display: "block" } },
  heading: {
    textAlign: "start",
    fontWeight: tokens.fontWeightRegular,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground3,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    whiteSpace: "nowrap",
  },
  row: {
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    // On a narrow screen a row is a card: two columns of values, each below its column's name.
    [NARROW]: {
      display: "grid",
      gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
      padding: `${tokens.spacingVerticalS} 0`,
    },
  },
  joined: { borderTop: "none", [NARROW]: { display: "block", padding: `0 0 ${tokens.spacingVerticalS}` } },
  cell: {
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    verticalAlign: "middle",
    [NARROW]: {
      display: "block",
      padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
      "::before": {
        content: "attr(data-label)",
        display: "block",
        color: tokens.colorNeutralForeground3,
        fontSize: tokens.fontSizeBase200,
        lineHeight: tokens.lineHeightBase200,
      },
    },
  },
  bare: { [NARROW]: { gridColumn: "1 / -1", "::before": { content: "none" } } },
  end: { textAlign: "end", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap", [NARROW]: { textAlign: "start" } },
  tight: { paddingTop: 0 },
  wide: { width: "30%" },
});

/** Said outright: what CSS makes of a table on a narrow screen takes its own roles away. */
const ROLE = { table: { role: "table" }, row: { role: "row" }, cell: { role: "cell" } } as const;

interface Column {
  readonly label: string;
  readonly end?: boolean;
  readonly wide?: boolean;
}

/** A table that becomes a list of cards where there is no room for columns. */
export function Table(props: {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.frame}>
      <table className={styles.table} {...ROLE.table} aria-label={props.label}>
        <thead className={styles.head}>
          <tr>
            {props.columns.map(({ label, end, wide }) => (
              <th
                key={label}
                scope="col"
                className={mergeClasses(styles.heading, end && styles.end, wide && styles.wide)}
              >
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className={styles.body}>{props.children}</tbody>
      </table>
    </div>
  );
}

/** A row; a joined one belongs to the row above it. */
export function Row({
  joined = false,
  children,
}: {
  readonly joined?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  return (
    <tr {...ROLE.row} className={joined ? styles.joined : styles.row}>
      {children}
    </tr>
  );
}

/** A cell, with its column's name for narrow screens; without a label it takes the card's whole width. */
export function Cell(props: {
  readonly label?: string;
  readonly end?: boolean;
  /** For the cell of a joined row: how many columns it takes. */
  readonly span?: number;
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  const { label, end = false, span, children } = props;
  return (
    <td
      {...ROLE.cell}
      colSpan={span}
      data-label={label}
      className={mergeClasses(
        styles.cell,
        label === undefined && styles.bare,
        end && styles.end,
        span !== undefined && styles.tight,
      )}
    >
      {children}
    </td>
  );
}
