import { Link, makeStyles, Text } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Name } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { useSync } from "./syncs-by-name.ts";

const useStyles = makeStyles({ name: { flexGrow: 1 } });

/** The name of what a sync provisions; a person's leads to all that is known of them. Nothing is of groups and contacts. */
export function RecordName(props: { readonly sync: string; readonly id: string; readonly name: string }): ReactNode {
  const styles = useStyles();
  const { sync, id, name } = props;
  const known = useSync(sync);
  const isPerson = known !== null && known.records !== "group" && known.definition.source !== "contact";
  const text = (
    <Text weight="semibold">
      <Name>{name}</Name>
    </Text>
  );
  if (!isPerson) return <span className={styles.name}>{text}</span>;
  return (
    <Link className={styles.name} href={hrefOf({ panel: "person", id })}>
      {text}
    </Link>
  );
}
