import { Badge, Link, Text } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { countsInWords, duration, number } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { meaningOf, nothingIn } from "./outcome.ts";
import { Empty, Failed, Meaning, More, Name, ResultBadge, Section, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { Cell, Row, Table } from "./table.tsx";
import type { NamedRun } from "./types.ts";

const COLUMNS = [
  { label: "Sync", wide: true },
  { label: "Result" },
  { label: "Applied" },
  { label: "Failed", end: true },
  { label: "Took", end: true },
  { label: "When", end: true },
];

/** The runs of all syncs, newest first. */
export function Runs(): ReactNode {
  const pages = usePages<NamedRun>(["runs"], (after) => pathOf(["runs"], { after, limit: 10 }), REFRESH);
  const runs = itemsOf(pages.data);
  return (
    <Section id="runs" title="Last runs">
      {pages.isPending && <Waiting lines={5} size={32} />}
      {pages.error !== null && runs.length === 0 && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && runs.length === 0 && <Empty>Nothing has run yet. “Run now” starts a sync.</Empty>}
      {runs.length > 0 && (
        <Table label="Last runs" columns={COLUMNS}>
          {runs.map((run) => (
            <RunRow key={run.run} run={run} />
          ))}
        </Table>
      )}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Section>
  );
}

function RunRow({ run }: { readonly run: NamedRun }): ReactNode {
  const meaning = meaningOf(run);
  return (
    <>
      <Row>
        <Cell>
          <RunLink run={run} />
        </Cell>
        <Cell label="Result">
          <ResultBadge result={run.result} />
        </Cell>
        <Cell label="Applied">{countsInWords(run.counts) ?? nothingIn(run.result)}</Cell>
        <Cell label="Failed" end>
          {number(run.failed)}
        </Cell>
        <Cell label="Took" end>
          {run.ms === null ? "–" : duration(run.ms)}
        </Cell>
        <Cell label="When" end>
          <Time at={run.startedAt} />
        </Cell>
      </Row>
      {meaning !== null && (
        <Row joined>
          <Cell span={COLUMNS.length}>
            <Meaning {...meaning} />
          </Cell>
        </Row>
      )}
    </>
  );
}

/** The sync that ran, by the name that it has or had. */
function RunLink({ run }: { readonly run: NamedRun }): ReactNode {
  return (
    <>
      <Link href={hrefOf({ panel: "run", id: run.run })}>
        <Text weight="semibold">
          <Name>{run.syncName ?? "A removed sync"}</Name>
        </Text>
      </Link>{" "}
      {run.syncRemoved && run.syncName !== null && (
        <Badge appearance="outline" color="informative">
          removed
        </Badge>
      )}
    </>
  );
}
