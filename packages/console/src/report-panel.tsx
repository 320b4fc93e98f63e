import { Link, makeStyles, Text, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get, pathOf } from "./api.ts";
import { number, plural } from "./format.ts";
import { useListStyles } from "./list-styles.ts";
import { Panel } from "./panel.tsx";
import { Empty, Failed, Name, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import type { ReportedSort, ReportedValues, SyncReport } from "./report-types.ts";

const useStyles = makeStyles({
  heading: { margin: 0, fontSize: tokens.fontSizeBase400 },
});

const SAMPLES = 25;

/** Everybody of a sync compared with its whole target: asked for once, for the target is read in full. */
export function ReportPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const found = useQuery({
    queryKey: ["report", id],
    queryFn: ({ signal }) => get<SyncReport>(pathOf(["syncs", id, "report"], { samples: SAMPLES }), signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    retry: false,
  });
  return (
    <Panel title={<bdi>{`${id}, compared with the whole target`}</bdi>} onClose={onClose}>
      {found.isPending && <Waiting lines={8} size={32} />}
      {found.error !== null && <Failed error={found.error} retry={found.refetch} />}
      {found.data !== undefined && <Report report={found.data} />}
    </Panel>
  );
}

function Report({ report }: { readonly report: SyncReport }): ReactNode {
  const lists = useListStyles();
  const {
    people,
    linked,
    join,
    share,
    privileged,
    create,
    left,
    ambiguous,
    elsewhere,
    unmatchable,
    other,
    guests,
    unmanaged,
  } = report;
  const unsure = unmanaged.count > 0 && unmanaged.maybe > 0;
  return (
    <>
      <Text>
        {number(people.inScope)} of {number(people.count)} in scope · {number(linked.created)} created and{" "}
        {number(linked.joined)} joined so far
        {people.disabled > 0 && ` · ${number(people.disabled)} disabled, for whom none is made`}
        {report.readAt !== null && (
          <>
            {" "}
            · read <Time at={report.readAt} />
          </>
        )}
      </Text>
      {!report.complete && (
        <Text className={lists.quiet}>The directory was read in part: who is missing in it is missing here.</Text>
      )}
      <Sort
        title="Would be joined"
        of={join}
        note={join.by.map((by) => `${number(by.count)} by ${by.attribute}`)}
        always
      />
      <Sort title="Would share the record that another sync owns" of={share} />
      <Sort title="Joins that wait for approval: records with rights of their own" of={privileged} />
      <Sort title="Would be created" of={create} always />
      <Sort title="Found nowhere, and the sync makes no records" of={left} />
      <Sort title="Ambiguous" of={ambiguous} />
      <Sort title="Linked to somebody else" of={elsewhere} />
      <Sort title="Without a value to match by" of={unmatchable} />
      <Sort title="Cannot be planned for another reason" of={other} />
      <Sort title="Guests at home in a connected tenant" of={guests} />
      <Sort
        title="Values that would be created in the target's lookups"
        of={asSort(report.newValues)}
        note={
          report.newValues.count > report.newValues.each ? [`at most ${number(report.newValues.each)} by one plan`] : []
        }
        isTarget
      />
      <Sort
        title="Values that the target's lookups lack: people are written without them"
        of={asSort(report.missingValues)}
        isTarget
      />
      <Sort
        title="Unmanaged"
        of={unmanaged}
        note={[
          `of ${plural(unmanaged.records, "record", "records")} of the target: nobody ${unsure ? "who was looked for" : "in scope"} corresponds to them`,
          "they are left alone",
          ...(unsure
            ? [`${plural(unmanaged.maybe, "person", "people")} could not be looked for: some may be theirs`]
            : []),
        ]}
        isTarget
        always
      />
    </>
  );
}

/** Values as they are listed: each with how many people ask for it, and what else is wrong with it. */
function asSort({ count, samples }: ReportedValues): ReportedSort {
  return {
    count,
    samples: samples.map(({ lookup, value, people, code = "lookup_missing", detail }) => {
      const wanted = plural(people, "person", "people");
      const why = code === "lookup_missing" || detail === undefined ? wanted : `${wanted}. ${detail}`;
      return { id: `${lookup} ${value}`, name: `${lookup} ${value}`, detail: why };
    }),
  };
}

function Sort(props: {
  readonly title: string;
  readonly of: ReportedSort;
  readonly note?: readonly string[];
  /** The samples are records of the target rather than people. */
  readonly isTarget?: boolean;
  /** Shown when there are none, too. */
  readonly always?: boolean;
}): ReactNode {
  const styles = useStyles();
  const lists = useListStyles();
  const { title, of, note = [], isTarget = false, always = false } = props;
  if (of.count === 0 && !always) return null;
  const more = of.count - of.samples.length;
  return (
    <section>
      <h3 className={styles.heading}>
        {title}: {number(of.count)}
      </h3>
      {note.length > 0 && (
        <Text size={200} className={lists.quiet}>
          <bdi>{note.join(", ")}</bdi>
        </Text>
      )}
      {of.count === 0 && <Empty>None.</Empty>}
      <ul className={lists.list}>
        {of.samples.map((one) => (
          <li key={one.id} className={lists.item}>
            {isTarget ? (
              <Name>{one.name}</Name>
            ) : (
              <Link href={hrefOf({ panel: "person", id: one.id })}>
                <Name>{one.name}</Name>
              </Link>
            )}
            <Detail of={one} />
          </li>
        ))}
      </ul>
      {more > 0 && <Text className={lists.quiet}>… and {number(more)} more</Text>}
    </section>
  );
}

function Detail({ of }: { readonly of: ReportedSort["samples"][number] }): ReactNode {
  const lists = useListStyles();
  const joins = of.recordName === undefined ? undefined : `joins ${of.recordName} by ${of.attribute ?? ""}`;
  const said = of.detail ?? of.home ?? joins ?? (of.active === false ? "disabled" : undefined);
  return said === undefined ? null : (
    <Text size={200} className={lists.quiet}>
      <bdi>{said}</bdi>
    </Text>
  );
}
