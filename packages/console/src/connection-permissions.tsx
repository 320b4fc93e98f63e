import { Badge, type BadgeProps, Button, makeStyles, Spinner, Text, tokens } from "@fluentui/react-components";
import { ArrowSync20Regular } from "@fluentui/react-icons/svg/arrow-sync";
import { type ReactNode, useState } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { NoteForm } from "./note-form.tsx";
import { Empty, Failed, Meaning, Waiting } from "./parts.tsx";
import { Cell, Row, Table } from "./table.tsx";
import type { Inspection, Permission } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gap: tokens.spacingVerticalS },
  name: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: "anywhere" },
  quiet: { color: tokens.colorNeutralForeground2 },
});

const STATES: {
  readonly [S in Permission["state"]]: { readonly text: string; readonly color: NonNullable<BadgeProps["color"]> };
} = {
  needed: { text: "Granted", color: "success" },
  missing: { text: "Missing", color: "danger" },
  welcome: { text: "Used", color: "success" },
  broader: { text: "By a broader one", color: "warning" },
  excess: { text: "Excess", color: "warning" },
  accepted: { text: "Accepted", color: "informative" },
};
const COLUMNS = [{ label: "Permission" }, { label: "State" }, { label: "For", wide: true }, { label: "" }] as const;
const NOTE_MAX = 200;

/** How the application's permissions stand to what the connection is used for; an excess can be accepted with a note. */
export function Permissions(props: {
  readonly connection: string;
  readonly inspection: Inspection | null;
  readonly error: Error | null;
  readonly busy: boolean;
  readonly onLook: () => void;
}): ReactNode {
  const styles = useStyles();
  const { connection, inspection, error, busy, onLook } = props;
  const permissions = inspection?.permissions ?? null;
  return (
    <div className={styles.part}>
      {inspection === null && error === null && <Waiting lines={3} size={24} />}
      {error !== null && <Failed error={error} retry={onLook} />}
      {inspection?.error != null && <Meaning text={inspection.error.message} fix={inspection.error.fix} />}
      {inspection !== null && permissions === null && inspection.error === null && (
        <Empty>Microsoft's token does not show its permissions; Verify tries each of them.</Empty>
      )}
      {permissions !== null && permissions.length > 0 && (
        <Table label="Permissions" columns={COLUMNS}>
          {permissions.map((one) => (
            <PermissionRow key={one.permission} connection={connection} permission={one} onChanged={onLook} />
          ))}
        </Table>
      )}
      <div>
        <Button
          appearance="subtle"
          size="small"
          icon={busy ? <Spinner size="tiny" /> : <ArrowSync20Regular />}
          disabledFocusable={busy}
          onClick={onLook}
        >
          Look again
        </Button>
      </div>
    </div>
  );
}

function PermissionRow(props: {
  readonly connection: string;
  readonly permission: Permission;
  readonly onChanged: () => void;
}): ReactNode {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const { connection, onChanged } = props;
  const { permission, state, purpose, instead, note } = props.permission;
  const path = pathOf(["connections", connection, "accepted", permission]);
  const take = useCommand<null>({ onDone: onChanged });
  const known = STATES[state];
  return (
    <>
      <Row>
        <Cell label="Permission">
          <span className={styles.name}>{permission}</span>
        </Cell>
        <Cell label="State">
          <Badge appearance="tint" color={known.color}>
            {known.text}
          </Badge>
        </Cell>
        <Cell label="For">
          <Text size={200}>
            {state === "broader" ? `to ${purpose}; ${instead} does it` : purposeText(state, purpose)}
            {note !== null && (
              <>
                {" "}
                (<bdi>{note}</bdi>)
              </>
            )}
          </Text>
        </Cell>
        <Cell end>
          {state === "excess" && (
            <Button
              size="small"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
              aria-label={`Accept ${permission}`}
            >
              Accept…
            </Button>
          )}
          {state === "accepted" && (
            <Button
              size="small"
              appearance="subtle"
              disabledFocusable={take.isPending}
              aria-label={`Take back ${permission}`}
              onClick={() => take.mutate({ method: "DELETE", path })}
            >
              Take back
            </Button>
          )}
        </Cell>
      </Row>
      {(open || take.error !== null) && state === "excess" && (
        <Row joined>
          <Cell span={COLUMNS.length}>
            <NoteForm
              label={`Why ${permission} is wanted`}
              action="Accept with this note"
              maxLength={NOTE_MAX}
              busy={take.isPending}
              onNote={(note) => take.mutate({ method: "PUT", path, body: { note } })}
            />
            {take.error !== null && <Failed error={take.error} />}
          </Cell>
        </Row>
      )}
    </>
  );
}

function purposeText(state: Permission["state"], purpose: string): string {
  return state === "excess" || state === "accepted" ? purpose : `to ${purpose}`;
}
