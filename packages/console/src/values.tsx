import type { Attributes } from "@entrain/core";
import { makeStyles, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { valueText } from "./format.ts";

const useStyles = makeStyles({
  values: { borderCollapse: "collapse", width: "100%", fontSize: tokens.fontSizeBase200 },
  heading: {
    textAlign: "start",
    fontWeight: tokens.fontWeightRegular,
    color: tokens.colorNeutralForeground3,
    padding: `0 ${tokens.spacingHorizontalM} ${tokens.spacingVerticalXXS} 0`,
  },
  value: {
    padding: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalM} ${tokens.spacingVerticalXXS} 0`,
    verticalAlign: "top",
    overflowWrap: "anywhere",
  },
  before: { color: tokens.colorPaletteRedForeground1 },
  after: { color: tokens.colorPaletteGreenForeground1 },
  same: { color: tokens.colorNeutralForeground3 },
});

/** What attributes were and become, those that differ first. */
export function Values(props: { readonly before: Attributes | null; readonly after: Attributes | null }): ReactNode {
  const styles = useStyles();
  const { before, after } = props;
  const rows = rowsOf(before, after);
  // A record that is new to us has nothing to compare with.
  const compares = Object.keys(before ?? {}).length > 0;
  if (rows.length === 0) return <Text size={200}>No attribute changes.</Text>;
  return (
    <table className={styles.values}>
      <thead>
        <tr>
          {["Attribute", ...(compares ? ["Before"] : []), "After"].map((label) => (
            <th key={label} scope="col" className={styles.heading}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, from, to }) => {
          const same = from === to;
          return (
            <tr key={name}>
              <td className={styles.value}>{name}</td>
              {compares && (
                <td className={`${styles.value} ${same ? styles.same : styles.before}`}>
                  <bdi dir="auto">{from === "" ? "–" : from}</bdi>
                </td>
              )}
              <td className={`${styles.value} ${same ? styles.same : styles.after}`}>
                <bdi dir="auto">{to === "" ? "–" : to}</bdi>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function rowsOf(
  before: Attributes | null,
  after: Attributes | null,
): readonly { readonly name: string; readonly from: string; readonly to: string }[] {
  const names = [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])];
  const rows = names.map((name) => {
    const from = valueText(before?.[name]);
    return { name, from, to: after === null || !(name in after) ? from : valueText(after[name]) };
  });
  const shown = rows.filter(({ from, to }) => from !== "" || to !== "");
  return [...shown.filter(({ from, to }) => from !== to), ...shown.filter(({ from, to }) => from === to)];
}
