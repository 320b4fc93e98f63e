import Type, { type TSchema } from "typebox";
import { reconcileSync } from "../../runs/reconcile/reconcile.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { ANY, type Api, NAME, orNull, strict } from "../schemas.ts";
import { heedPause } from "./sync-control.ts";

const SAMPLES_DEFAULT = 10;
const SAMPLES_MAX = 1000;
/** Whoever asks waits for it; a larger target is compared on the command line. */
const LIMIT_MS = 600_000;

const some = (item: TSchema, more: { readonly [name: string]: TSchema } = {}): TSchema =>
  Type.Object({ count: Type.Integer(), ...more, samples: Type.Array(item) });
const RECORD = {
  id: Type.String({ description: "Object id." }),
  record: Type.String({ description: "The target's id of the record." }),
  name: Type.String(),
  kept: orNull(Type.String({ description: "Why a repair leaves it alone." })),
};
const FIELD = Type.Object({
  attribute: Type.String({ description: "Of the target; `active` for whether the record is active." }),
  known: ANY,
  present: ANY,
  knownInWords: Type.String({ description: "The same for people: references by name." }),
  presentInWords: Type.String(),
});
const CHANGED = Type.Object({ ...RECORD, fields: Type.Array(FIELD) });
const MEMBER = Type.Object({
  groupId: Type.String(),
  group: Type.String(),
  member: Type.String({ description: "Object id; of a foreign member the target's id of its record." }),
  name: Type.String(),
});

const REPORT: TSchema = Type.Object({
  sync: Type.String(),
  connection: Type.String(),
  target: Type.String(),
  records: Type.String({ description: "The target's kind of record." }),
  owned: Type.Integer({ description: "Records that the sync owns." }),
  held: Type.Integer({ description: "All records of the kind that the target holds." }),
  missing: some(Type.Object(RECORD)),
  changed: some(CHANGED),
  theirs: some(CHANGED),
  unsettled: some(Type.Object(RECORD)),
  unknown: some(Type.Object({ id: Type.String(), name: Type.String(), active: Type.Boolean() }), {
    active: Type.Integer(),
  }),
  members: Type.Object({ added: some(MEMBER), removed: some(MEMBER), foreign: some(MEMBER) }),
  inStep: Type.Boolean({ description: "Nothing of the sync's differs, and all of it was compared." }),
  repairable: Type.Boolean({ description: "Something differs that a repair would look at." }),
});

/** What others made of what a sync owns in its target, and putting it back. */
export function reconcileRoutes(app: Api, context: ApiContext): void {
  const { store, engine } = context;

  app.post(
    "/syncs/:name/reconcile",
    {
      schema: {
        operationId: "reconcileSync",
        summary:
          "Read the target in full and tell what is missing, changed by others, or nobody's; with `repair` put it back",
        tags: ["syncs"],
        params: strict({ name: NAME }),
        body: strict({
          repair: Type.Optional(Type.Boolean()),
          samples: Type.Optional(
            Type.Integer({ minimum: 0, maximum: SAMPLES_MAX, description: "How many of each sort are named." }),
          ),
          anyway: Type.Optional(Type.Boolean({ description: "Repair also when the sync is paused." })),
        }),
        response: {
          200: Type.Object({
            report: orNull(REPORT),
            run: Type.String({ description: "The run's id; what it planned stands at /runs/{run}." }),
            result: Type.String(),
            held: orNull(Type.Object({ digest: Type.String(), count: Type.Integer() })),
            error: orNull(Type.Object({ code: Type.String(), message: Type.String(), fix: Type.String() })),
          }),
        },
      },
    },
    async (request) => {
      const { repair = false, samples = SAMPLES_DEFAULT } = request.body;
      const sync = await findSync(store, request.params.name);
      if (repair) await heedPause(context, sync, request.body);
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(LIMIT_MS)]);
      const actor = actorOf(context, request);
      const of = { sync: sync.id, actor, signal, onProgress: () => undefined, repair, samples };
      const { report, run } = await reconcileSync(engine, of);
      return { report, run: run.run, result: run.result, held: run.held, error: run.error };
    },
  );
}
