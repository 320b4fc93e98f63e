import { Badge, type BadgeProps, Link, makeStyles, Text, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get, pathOf } from "./api.ts";
import { number, valueText } from "./format.ts";
import { Panel } from "./panel.tsx";
import { Empty, Fact, Failed, Name, Waiting } from "./parts.tsx";
import { PersonTimeline } from "./person-timeline.tsx";
import { hrefOf } from "./place.ts";
import type { Collection, PersonDetail } from "./types.ts";

const useStyles = makeStyles({
  person: { display: "grid", gap: tokens.spacingVerticalL },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(180px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
    overflowWrap: "anywhere",
  },
  heading: {
    margin: `0 0 ${tokens.spacingVerticalS}`,
    fontSize: tokens.fontSizeBase400,
    fontWeight: tokens.fontWeightSemibold,
  },
  badges: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  groups: {
    display: "flex",
    flexWrap: "wrap",
    gap: tokens.spacingHorizontalS,
    listStyle: "none",
    margin: 0,
    padding: 0,
  },
  standings: { display: "grid", gap: tokens.spacingVerticalS, listStyle: "none", margin: 0, padding: 0 },
  standing: { display: "grid", gap: tokens.spacingVerticalXXS, overflowWrap: "anywhere" },
  values: {
    display: "grid",
    gridTemplateColumns: "minmax(120px, 1fr) minmax(0, 2fr)",
    margin: 0,
    rowGap: tokens.spacingVerticalXXS,
  },
  term: {
    color: tokens.colorNeutralForeground3,
    overflowWrap: "anywhere",
    paddingInlineEnd: tokens.spacingHorizontalM,
  },
  value: { margin: 0, overflowWrap: "anywhere" },
});

/** Everything known of one person. */
export function PersonPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const found = useQuery({
    queryKey: ["person", id],
    queryFn: ({ signal }) => get<Collection<PersonDetail>>(pathOf(["people", id]), signal),
  });
  const people = found.data?.items ?? [];
  return (
    <Panel title={<Name>{people[0]?.displayName ?? "Person"}</Name>} onClose={onClose}>
      {found.isPending && <Waiting lines={8} size={24} />}
      {found.error !== null && <Failed error={found.error} retry={found.refetch} />}
      {people.map((person) => (
        <PersonDetails key={person.connection} person={person} />
      ))}
      {people.length > 0 && <PersonTimeline id={people[0]?.id ?? id} />}
    </Panel>
  );
}

function PersonDetails({ person }: { readonly person: PersonDetail }): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.person}>
      <div className={styles.badges}>
        <Badge appearance="outline" color="informative">
          {person.connection}
        </Badge>
        {person.accountEnabled === false && (
          <Badge appearance="tint" color="warning">
            Disabled
          </Badge>
        )}
        {person.removed !== null && (
          <Badge appearance="tint" color="danger">
            {person.removed === "soft" ? "Deleted, can be restored" : "Deleted for good"}
          </Badge>
        )}
      </div>
      <Facts person={person} />
      <Standings person={person} />
      <Links person={person} />
      <Groups person={person} />
      <section>
        <h3 className={styles.heading}>Attributes</h3>
        <Values values={person.attributes} />
      </section>
    </div>
  );
}

function Facts({ person }: { readonly person: PersonDetail }): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.facts}>
      <Fact label="Sign-in name">{person.userPrincipalName ?? "–"}</Fact>
      <Fact label="Mail">{person.mail ?? "–"}</Fact>
      <Fact label="Object id">
        <Text font="monospace" size={200}>
          {person.id}
        </Text>
      </Fact>
      {person.home !== null && (
        <Fact label="Guest, at home in">
          <Name>{person.home.connection}</Name> as{" "}
          <Link href={hrefOf({ panel: "person", id: person.home.id })}>
            <Name>{person.home.displayName ?? person.home.userPrincipalName}</Name>
          </Link>
        </Fact>
      )}
      <Fact label="Manager">{person.manager === null ? "–" : <ManagerLink id={person.manager} />}</Fact>
    </div>
  );
}

const STATES: {
  readonly [S in PersonDetail["syncs"][number]["state"]]: {
    readonly text: string;
    readonly color: NonNullable<BadgeProps["color"]>;
  };
} = {
  synced: { text: "There", color: "success" },
  disabled: { text: "Disabled", color: "warning" },
  absent: { text: "Not there", color: "informative" },
  waiting: { text: "Waits for the next run", color: "informative" },
  held: { text: "Waits for approval", color: "warning" },
  unsynced: { text: "Unsynced", color: "danger" },
};

/** Whether each sync's target holds the person, and why or why not. */
function Standings({ person }: { readonly person: PersonDetail }): ReactNode {
  const styles = useStyles();
  return (
    <section>
      <h3 className={styles.heading}>Syncs</h3>
      {person.syncs.length === 0 && <Empty>No sync looks at people of this connection.</Empty>}
      <ul className={styles.standings}>
        {person.syncs.map(({ sync, target, state, reason }) => (
          <li key={sync} className={styles.standing}>
            <span>
              <Badge appearance="tint" color={STATES[state].color}>
                {STATES[state].text}
              </Badge>{" "}
              <Name>{sync}</Name> → <Name>{target}</Name>
            </span>
            <Text size={200}>
              <bdi>{reason}</bdi>
            </Text>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ManagerLink({ id }: { readonly id: string }): ReactNode {
  const found = useQuery({
    queryKey: ["person", id],
    queryFn: ({ signal }) => get<Collection<PersonDetail>>(pathOf(["people", id]), signal),
  });
  return (
    <Link href={hrefOf({ panel: "person", id })}>
      <Name>{found.data?.items[0]?.displayName ?? id}</Name>
    </Link>
  );
}

function Links({ person }: { readonly person: PersonDetail }): ReactNode {
  const styles = useStyles();
  return (
    <section>
      <h3 className={styles.heading}>Linked records</h3>
      {person.links.length === 0 && <Empty>No target holds a record of this person.</Empty>}
      {person.links.map((link) => (
        <div key={`${link.target} ${link.kind}`} className={styles.facts}>
          <Fact label="Target">
            <Name>{link.target}</Name> · {link.kind}
          </Fact>
          <Fact label="Record">
            <Text font="monospace" size={200}>
              {link.recordId}
            </Text>
          </Fact>
          <Fact label="Owned by">
            {link.sync === null ? "No sync" : <Name>{link.sync}</Name>} ({link.origin}
            {link.matchedBy === null ? "" : ` by ${link.matchedBy}`})
          </Fact>
          <Fact label="State">{link.active ? "Active" : "Disabled"}</Fact>
        </div>
      ))}
    </section>
  );
}

const GROUPS_SHOWN = 50;

function Groups({ person }: { readonly person: PersonDetail }): ReactNode {
  const styles = useStyles();
  const { groups } = person;
  return (
    <section>
      <h3 className={styles.heading}>Groups</h3>
      {groups.length === 0 && <Empty>Not a direct member of any group.</Empty>}
      <ul className={styles.groups}>
        {groups.slice(0, GROUPS_SHOWN).map((group) => (
          <li key={group.id}>
            <Badge appearance="outline" color="informative" size="large" title={group.id}>
              <Name>{group.displayName ?? group.id}</Name>
            </Badge>
          </li>
        ))}
      </ul>
      {groups.length > GROUPS_SHOWN && <Text>… and {number(groups.length - GROUPS_SHOWN)} more</Text>}
    </section>
  );
}

function Values({ values }: { readonly values: PersonDetail["attributes"] }): ReactNode {
  const styles = useStyles();
  const known = Object.entries(values).filter(([, value]) => valueText(value) !== "");
  return (
    <dl className={styles.values}>
      {known.map(([name, value]) => (
        <Value key={name} name={name} text={valueText(value)} />
      ))}
    </dl>
  );
}

function Value({ name, text }: { readonly name: string; readonly text: string }): ReactNode {
  const styles = useStyles();
  return (
    <>
      <dt className={styles.term}>{name}</dt>
      <dd className={styles.value}>
        <bdi dir="auto">{text}</bdi>
      </dd>
    </>
  );
}
