import Type, { type TSchema } from "typebox";
import { reportSync } from "../../runs/report.ts";
import { type ApiContext, findSync } from "../context.ts";
import { type Api, BY_ATTRIBUTE, NAME, orNull, strict, TIME } from "../schemas.ts";

const SAMPLES_DEFAULT = 10;
const SAMPLES_MAX = 1000;
/** Whoever asks waits for it; a larger target is compared on the command line. */
const LIMIT_MS = 600_000;

const PERSON = { id: Type.String({ description: "Object id." }), name: Type.String() };
const ISSUE = Type.Object({ ...PERSON, code: Type.String(), detail: Type.String() });
const JOIN = Type.Object({
  ...PERSON,
  record: Type.String({ description: "The target's id of the record." }),
  recordName: Type.String(),
  attribute: Type.String({ description: "The target attribute by which it was found." }),
});
const VALUE = {
  lookup: Type.String({ description: "Which of the target's lookups." }),
  value: Type.String(),
  people: Type.Integer({ description: "How many people in scope ask for it." }),
};
const some = (item: TSchema, more: { readonly [name: string]: TSchema } = {}): TSchema =>
  Type.Object({ count: Type.Integer(), ...more, samples: Type.Array(item) });

const REPORT: TSchema = Type.Object({
  sync: Type.String(),
  connection: Type.String(),
  target: Type.String(),
  records: Type.String({ description: "The target's kind of record." }),
  readAt: orNull(TIME),
  complete: Type.Boolean({ description: "False: the directory was read in part." }),
  people: Type.Object({
    count: Type.Integer(),
    inScope: Type.Integer(),
    disabled: Type.Integer({ description: "In scope, disabled, and without a record: none is made." }),
  }),
  linked: Type.Object({ created: Type.Integer(), joined: Type.Integer(), shared: Type.Integer(), by: BY_ATTRIBUTE }),
  join: some(JOIN, { by: BY_ATTRIBUTE }),
  share: some(JOIN),
  privileged: some(JOIN),
  create: some(Type.Object(PERSON)),
  left: some(Type.Object(PERSON)),
  ambiguous: some(ISSUE),
  elsewhere: some(ISSUE),
  unmatchable: some(ISSUE),
  other: some(ISSUE, { codes: Type.Array(Type.Object({ code: Type.String(), count: Type.Integer() })) }),
  guests: some(Type.Object({ ...PERSON, home: Type.String() })),
  newValues: some(Type.Object(VALUE), {
    each: Type.Integer({ description: "So many of them are created by one plan; the rest comes by the next ones." }),
  }),
  missingValues: some(Type.Object({ ...VALUE, code: Type.String(), detail: Type.String() })),
  unmanaged: some(Type.Object({ ...PERSON, active: Type.Boolean() }), {
    active: Type.Integer(),
    records: Type.Integer({ description: "All records of the kind that the target holds." }),
    maybe: Type.Integer({
      description:
        "People in scope who were not looked for (unmatchable, other, disabled): some records may be theirs.",
    }),
  }),
});

/** What a sync's people and its whole target have to do with each other. */
export function reportRoutes(app: Api, { store, engine }: ApiContext): void {
  app.get(
    "/syncs/:name/report",
    {
      schema: {
        operationId: "reportSync",
        summary: "Everybody compared with the whole target: joined, created, held, unmanaged. Reads all of the target",
        tags: ["syncs"],
        params: strict({ name: NAME }),
        querystring: strict({
          samples: Type.Optional(
            Type.Integer({ minimum: 0, maximum: SAMPLES_MAX, description: "How many of each sort are named." }),
          ),
        }),
        response: { 200: REPORT },
      },
    },
    async (request) => {
      const { samples = SAMPLES_DEFAULT } = request.query;
      const sync = await findSync(store, request.params.name);
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(LIMIT_MS)]);
      return await reportSync(engine, { sync, samples, signal, onProgress: () => undefined });
    },
  );
}
