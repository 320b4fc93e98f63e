import { Badge, Button, Link, makeStyles, Text } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { plural } from "./format.ts";
import { useFocusPassedOn } from "./hooks.ts";
import { useListStyles } from "./list-styles.ts";
import { NoteForm } from "./note-form.tsx";
import { Failed, Name, Time } from "./parts.tsx";
import { RecordName } from "./record-name.tsx";
import type { UnsyncedRecord } from "./types.ts";

const NOTE_MAX = 500;

const useStyles = makeStyles({
  code: { fontSize: "inherit" },
});

/** One record that is not as it should be: what is wrong, when it is tried again, and what may be done about that here. */
export function UnsyncedItem(props: {
  readonly sync: string;
  readonly record: UnsyncedRecord;
  readonly onCode: (code: string) => void;
}): ReactNode {
  const styles = useStyles();
  const lists = useListStyles();
  const { sync, record, onCode } = props;
  const item = useFocusPassedOn<HTMLLIElement>();
  return (
    <li ref={item} className={lists.item}>
      <Commands sync={sync} record={record} />
      <Text>
        <bdi>{record.detail}</bdi>
      </Text>
      {record.fix !== "" && <Text size={200}>{record.fix}</Text>}
      <Text size={200} className={lists.quiet}>
        <Link
          as="button"
          className={styles.code}
          onClick={() => onCode(record.code)}
          aria-label={`Show only ${record.code}`}
        >
          {record.code}
        </Link>{" "}
        · since <Time at={record.since} />
        {record.attempts > 0 && ` · ${plural(record.attempts, "attempt", "attempts")}`}
        <WhenTried record={record} />
      </Text>
    </li>
  );
}

function WhenTried({ record: { state, retryAt, ignored } }: { readonly record: UnsyncedRecord }): ReactNode {
  if (ignored !== null) {
    return (
      <>
        {" "}
        · ignored by <Name>{ignored.actor.id}</Name>: <bdi>{ignored.note}</bdi>
      </>
    );
  }
  if (state === "dead") return " · not tried by itself any more";
  if (retryAt === null) return " · tried by the next run";
  return (
    <>
      {" "}
      · tried again <Time at={retryAt} due />
    </>
  );
}

function Commands({ sync, record }: { readonly sync: string; readonly record: UnsyncedRecord }): ReactNode {
  const lists = useListStyles();
  const [asking, setAsking] = useState(false);
  const give = useCommand<unknown>();
  const command = (verb: "retry" | "ignore" | "heed", more: object = {}): void =>
    give.mutate({
      method: "POST",
      path: pathOf(["syncs", sync, "unsynced", verb]),
      body: { records: [record.id], ...more },
    });
  const ignored = record.state === "ignored";
  const again = ignored ? "Ignore no more" : "Try again";
  return (
    <>
      <div className={lists.head}>
        <RecordName sync={sync} id={record.id} name={record.name} />
        {record.state !== "open" && (
          <Badge appearance="tint" color={ignored ? "informative" : "danger"}>
            {ignored ? "Ignored" : "Dead letter"}
          </Badge>
        )}
        <Button
          size="small"
          disabledFocusable={give.isPending}
          aria-label={`${again}: ${record.name}`}
          onClick={() => command(ignored ? "heed" : "retry")}
        >
          {again}
        </Button>
        {!ignored && (
          <Button
            size="small"
            appearance="subtle"
            aria-expanded={asking}
            aria-label={`Ignore ${record.name}`}
            onClick={() => setAsking(!asking)}
          >
            Ignore…
          </Button>
        )}
      </div>
      {asking && !ignored && (
        <NoteForm
          label="Why it may stay as it is"
          action="Ignore with this note"
          maxLength={NOTE_MAX}
          busy={give.isPending}
          onNote={(note) => command("ignore", { note })}
        />
      )}
      {give.error !== null && <Failed error={give.error} />}
    </>
  );
}
