import { Button, Link, makeStyles, SearchBox, Text, ToggleButton, tokens } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { addressOf, pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { number, plural } from "./format.ts";
import { itemsOf, REFRESH, useFocusPassedOn, usePages, useSettled } from "./hooks.ts";
import { useListStyles } from "./list-styles.ts";
import { Panel } from "./panel.tsx";
import { Empty, Failed, More, Waiting } from "./parts.tsx";
import { useSyncStatus } from "./syncs-by-name.ts";
import type { Quarantine, UnsyncedRecord } from "./types.ts";
import { UnsyncedItem } from "./unsynced-item.tsx";

const useStyles = makeStyles({
  row: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: tokens.spacingHorizontalS },
  search: { flexGrow: 1, maxWidth: "none", minWidth: "12rem" },
});

type State = "dead" | "ignored" | null;

/** What of the list is shown; `state` null: all that nobody ignores. */
interface Filter {
  readonly state: State;
  readonly code: string | null;
  readonly text: string;
}

/** The records of a sync that are not as they should be: found, tried again, ignored, and taken along as a file. */
export function UnsyncedPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const [state, setState] = useState<State>(null);
  const [code, setCode] = useState<string | null>(null);
  const [typed, setText] = useState("");
  const filter = { state, code, text: useSettled(typed.trim(), 250) };
  return (
    <Panel title={<bdi>{`Unsynced records of ${id}`}</bdi>} onClose={onClose}>
      <States sync={id} chosen={state} onChoose={setState} />
      <Search text={typed} onText={setText} code={code} onCode={setCode} />
      {/* What was said of all that was shown is not said of what is shown now. */}
      <Tools key={JSON.stringify(filter)} sync={id} filter={filter} />
      <Records sync={id} filter={filter} onCode={setCode} />
    </Panel>
  );
}

function States(props: {
  readonly sync: string;
  readonly chosen: State;
  readonly onChoose: (state: State) => void;
}): ReactNode {
  const styles = useStyles();
  const { sync, chosen, onChoose } = props;
  const status = useSyncStatus(sync);
  const states = [
    { state: null, label: "Unsynced", count: status?.unsynced },
    { state: "dead", label: "Dead letters", count: status?.dead },
    { state: "ignored", label: "Ignored", count: status?.ignored },
  ] as const;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms.
    <div className={styles.row} role="group" aria-label="Show only">
      {states.map(({ state, label, count }) => (
        <ToggleButton key={label} size="small" checked={chosen === state} onClick={() => onChoose(state)}>
          {count === undefined ? label : `${label} ${number(count)}`}
        </ToggleButton>
      ))}
    </div>
  );
}

function Search(props: {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly code: string | null;
  readonly onCode: (code: null) => void;
}): ReactNode {
  const styles = useStyles();
  const { text, onText, code, onCode } = props;
  return (
    <div className={styles.row}>
      <SearchBox
        className={styles.search}
        aria-label="Find an unsynced record"
        placeholder="A part of name, sign-in name, id or reason"
        value={text}
        maxLength={200}
        onChange={(_event, { value }) => onText(value)}
      />
      {code !== null && <Code code={code} onCode={onCode} />}
    </div>
  );
}

/** The code whose records alone are shown, and the way back to all. */
function Code({ code, onCode }: { readonly code: string; readonly onCode: (code: null) => void }): ReactNode {
  const place = useFocusPassedOn<HTMLSpanElement>();
  return (
    <span ref={place}>
      <Button size="small" aria-label={`Show more than ${code}`} onClick={() => onCode(null)}>
        {code} ✕
      </Button>
    </span>
  );
}

/** What may be done with all that is shown. */
function Tools({ sync, filter }: { readonly sync: string; readonly filter: Filter }): ReactNode {
  const styles = useStyles();
  const retry = useCommand<{ readonly records: number; readonly quarantine: Quarantine | null }>();
  const { state, code, text } = filter;
  const csv = addressOf(pathOf(["syncs", sync, "unsynced.csv"], { ...asked(filter), bom: true }));
  const body = code === null ? {} : { code };
  return (
    <>
      <div className={styles.row}>
        {/* The command takes all, or all of a code: what else is looked for, it would not heed. */}
        {state === null && text === "" && (
          <Button
            size="small"
            disabledFocusable={retry.isPending}
            onClick={() => retry.mutate({ method: "POST", path: pathOf(["syncs", sync, "unsynced", "retry"]), body })}
          >
            {code === null ? "Try all again" : `Try all of ${code} again`}
          </Button>
        )}
        <Link href={csv} download>
          Save as CSV
        </Link>
      </div>
      {retry.data !== undefined && (
        <Text role="status">
          {plural(retry.data.records, "record is", "records are")} tried by the next run.
          {retry.data.quarantine !== null && " The sync is in quarantine no more."}
        </Text>
      )}
      {retry.error !== null && <Failed error={retry.error} />}
    </>
  );
}

function Records(props: {
  readonly sync: string;
  readonly filter: Filter;
  readonly onCode: (code: string) => void;
}): ReactNode {
  const styles = useListStyles();
  const { sync, filter, onCode } = props;
  const { state, code, text } = filter;
  const pages = usePages<UnsyncedRecord>(
    ["unsynced", sync, state, code, text],
    (after) => pathOf(["syncs", sync, "unsynced"], { ...asked(filter), after, limit: 50 }),
    REFRESH,
  );
  const records = itemsOf(pages.data);
  const whole = state === null && code === null && text === "";
  return (
    <>
      {pages.isPending && <Waiting lines={6} size={32} />}
      {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && records.length === 0 && (
        <Empty>{whole ? "No record is listed as unsynced." : "No unsynced record is like that."}</Empty>
      )}
      <ul className={styles.list} aria-label="Unsynced records" tabIndex={-1}>
        {records.map((record) => (
          <UnsyncedItem key={record.id} sync={sync} record={record} onCode={onCode} />
        ))}
      </ul>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </>
  );
}

/** A filter as the API asks for it. */
function asked({ state, code, text }: Filter): { readonly [name: string]: string | null } {
  return { state, code, text: text === "" ? null : text };
}
