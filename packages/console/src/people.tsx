import { Badge, Card, Link, makeStyles, SearchBox, Text, tokens } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { pathOf } from "./api.ts";
import { itemsOf, usePages, useSettled } from "./hooks.ts";
import { Empty, Failed, More, Name, Section, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import type { Person } from "./types.ts";

const useStyles = makeStyles({
  card: { marginTop: tokens.spacingVerticalM, minHeight: "168px", alignContent: "start" },
  search: { maxWidth: "none", width: "100%" },
  results: { maxHeight: "320px", overflowY: "auto" },
  list: { listStyle: "none", margin: 0, padding: 0 },
  item: {
    display: "grid",
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    padding: `${tokens.spacingVerticalXS} 0`,
    overflowWrap: "anywhere",
  },
  quiet: { color: tokens.colorNeutralForeground3 },
});

/** Finds people of the directory by name, sign-in name, mail or object id. */
export function People(): ReactNode {
  const styles = useStyles();
  const [text, setText] = useState("");
  const search = useSettled(text.trim(), 250);
  return (
    <Section id="people" title="People">
      <Card className={styles.card}>
        <SearchBox
          className={styles.search}
          aria-label="Find a person"
          placeholder="Name, sign-in name, mail or object id"
          value={text}
          maxLength={200}
          onChange={(_event, { value }) => setText(value)}
        />
        {search === "" ? (
          <Text className={styles.quiet}>
            See what is known of a person, what they are linked to, and what they wait for.
          </Text>
        ) : (
          <Results search={search} />
        )}
      </Card>
    </Section>
  );
}

function Results({ search }: { readonly search: string }): ReactNode {
  const styles = useStyles();
  const pages = usePages<Person>(["people", search], (after) => pathOf(["people"], { search, after, limit: 20 }));
  const people = itemsOf(pages.data);
  if (pages.isPending) return <Waiting lines={3} size={32} />;
  if (pages.error !== null) return <Failed error={pages.error} retry={pages.refetch} />;
  if (people.length === 0) return <Empty>Nobody in the directory fits.</Empty>;
  return (
    <div className={styles.results}>
      <ul className={styles.list} aria-label="People found">
        {people.map((person) => (
          <li key={`${person.connection} ${person.id}`} className={styles.item}>
            <span>
              <Link href={hrefOf({ panel: "person", id: person.id })}>
                <Name>{person.displayName ?? person.userPrincipalName ?? person.id}</Name>
              </Link>{" "}
              {person.accountEnabled === false && (
                <Badge appearance="tint" color="warning">
                  Disabled
                </Badge>
              )}
            </span>
            <Text size={200} className={styles.quiet}>
              {person.userPrincipalName}
            </Text>
          </li>
        ))}
      </ul>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </div>
  );
}
