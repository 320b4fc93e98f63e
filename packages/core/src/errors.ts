/** What a fault stops. */
export type Stops = "record" | "run" | "sync" | "connection";
/** When it makes sense to try again. */
export type Retry = "now" | "later" | "never";

/**
 * Every code of a fault or an issue, with the sentence that tells an operator what to do about it. What happened, and to
 * what, is the message's to say: the two are read one after the other. NAME in it gives way to the sync's or the connection's
 * own name where whoever throws knows it.
 */
export const CODES = {
  // Sign-in and Graph.
  unreachable: "Check the address, the network and any proxy, then try again.",
  timeout: "Try again later; if it goes on, check the network and any proxy.",
  sign_in_refused:
    "Compare the connection's tenant id, client id and secret with the application in Entra, then run `entrain connection verify`.",
  permission_missing: "Grant the permission in Entra and give admin consent, then run `entrain connection verify`.",
  permission_lost:
    "Grant in Entra what was taken away since the last read; until then nothing is removed or cleared. If that was meant, run `entrain connection read-anew NAME`.",
  throttled: "Nothing needs to be done: the work goes on when the service allows.",
  answer_invalid:
    "Check that the address is the service's own, without a proxy that answers in its place; nothing is removed meanwhile, and the next run tries again.",
  round_empty:
    "Check that this is the intended tenant; the read counts as failed, nothing is removed, and the next run reads again.",
  round_shrunken: "Check the removals that wait, and approve them if they are true.",
  record_young:
    "Wait for the next reads, which bring back whoever is there after all, or approve the removals that wait if they are true.",
  round_short: "Nothing needs to be done: the read counts as failed, nothing is removed, and the next run reads again.",
  link_foreign: "Check the connection's sign-in and Graph addresses, and any proxy in between.",
  link_loop: "Nothing needs to be done: the read counts as failed, nothing is removed, and the next run reads again.",
  watermark_expired: "Nothing needs to be done: a full round follows, and nothing is removed by the change of round.",
  server_failed: "Nothing needs to be done: the next run tries again.",
  request_refused: "Mend what the service's answer names, then try again.",
  attribute_refused:
    "Correct the attribute's name where the message says it is asked for, or take it out, then run `entrain config apply`.",
  attribute_untaken:
    "Take the attributes out of the mapping, or let the target take them. Where the target describes itself wrongly, its settings can say not to heed that; for SCIM: `schema: ignore`.",
  // Records.
  ambiguous: "Make the matching value unique, or choose another matching attribute.",
  unmatchable: "Fill in a value for one of the matching attributes, or change the matching.",
  being_deleted: "Nothing needs to be done: once the record is gone, a run makes another one.",
  linked_elsewhere: "Make the matching value unique: the record that it finds belongs to another person or group.",
  owned_elsewhere: "Let one sync alone provision this record: narrow the scope of the other.",
  licence_unknown:
    "Correct the licence in the scope, by its part number (such as SPE_E3) or its skuId, or take it out: nobody leaves for want of it meanwhile.",
  person_unknown: "Correct the object id or sign-in name in the scope, or take it out.",
  account_state_unknown:
    "Nothing is changed until the source says whether the account is enabled; check the application's permissions.",
  value_missing: "Fill the source attribute, or give the mapping a default.",
  value_invalid: "Correct the source's value, or map another attribute: it must fit the target attribute's type.",
  value_taken:
    "Give SelectUniqueValue another choice, such as one with a number, or free one of the values in the target.",
  expression_invalid:
    "Correct the expression at the column that the message names; `entrain expression eval` tries it.",
  expression_failed:
    "Correct the source's value, or let the expression provide for it: `entrain expression eval` tries it.",
  expression_too_large: "Make the expression simpler, or the values that it is given shorter.",
  no_seat:
    "Free a seat in the target, or buy one; the creations that wait for it are tried again by themselves, and everything else goes on.",
  refused_by_target: "Mend what the target's answer names; until then it refuses this again.",
  conflict: "Nothing needs to be done: the next run looks at it again, and plans what is still wanted.",
  reference_waiting: "Nothing needs to be done: it is written as soon as the record that it refers to exists.",
  lookup_missing:
    "Add the value in the target, or correct it at the source; whoever wants it gets it by the run after that. Where the target can create it, its settings say whether it does.",
  lookup_ambiguous: "Leave one record of that name in the target; whoever wants it gets it by the run after that.",
  outcome_unknown: "Nothing needs to be done: the record is looked up before anything else is planned.",
  record_missing: "The target no longer holds the record. The next plan matches it anew, or creates it.",
  target_emptied:
    "Check the target's address and tenant; none of those records is created anew. If they are really gone, make them anew: `entrain sync run NAME --recreate-missing`.",
  intents_open:
    "Run the sync once more, so that nothing is left in doubt, then remove it. If its target is gone for good, `entrain sync remove NAME --force` gives those changes up.",
  target_unavailable:
    "Nothing needs to be done: each run asks the target once, and goes on as soon as it answers. `entrain target verify` tells more.",
  mostly_refused:
    "Look at the records with `entrain sync unsynced NAME`, mend what they have in common, then `entrain sync retry NAME`.",
  file_failed: "Check the folder, its rights and the free space.",
  file_invalid: "Restore the file, or move it away to begin anew; it is never overwritten.",
  credential_refused: "Renew the target's token, then run `entrain target verify`.",
  cancelled: "Nothing needs to be done: the next run plans it again.",
  protected:
    "Nothing is taken away from it. If it should be all the same, take the record out of the `protect` list of the sync or the connection.",
  pinned: "Nothing is done to it. Let the sync decide on it again with `entrain sync release NAME --record ID`.",
  protected_unknown: "Correct the name in the `protect` list, best to an object id, or take it out.",
  member_guard: "Look at the membership removals that wait, then approve or reject them with `entrain sync approve`.",
  creation_guard:
    "Look at the records that would be created or joined, then approve or reject them with `entrain sync approve`.",
  update_guard: "Look at the updates that wait, then approve or reject them with `entrain sync approve`.",
  matching_guard:
    "Look at whether so many names or ids were meant to change, then approve or reject the updates with `entrain sync approve`.",
  removal_guard: "Look at the removals that wait, then approve or reject them with `entrain sync approve`.",
  privileged_join:
    "Look at the record that has rights of its own, then approve or reject the join with `entrain sync approve`.",
  nothing_to_undo: "Choose another run: `entrain sync history NAME` lists them.",
  undo_changed: "Look at the value, and set it by hand if it should go back all the same.",
  undo_gone: "Nothing can be brought back to a record that is gone; make it in the target, or let the sync make it.",
  undo_unlinked: "The record is another one's by now; look at it in the target.",
  undo_present: "Look at the record in the target: it is there again, and nothing is made twice.",
  undo_sensitive: "Set it by hand in the target: sensitive values are kept nowhere.",
  undo_unknown: "Set it by hand in the target if it should be what it was.",
  undo_membership: "Undo the same run, or the groups' own one, in the sync that writes the groups.",
  undo_lookup: "Delete the value in the target if nobody needs it.",
  held: "Approve or reject the plan with `entrain sync approve`.",
  // The installation.
  config_invalid: "Correct the configuration at the place that the message names, and try again.",
  not_found: "Check the name or the id.",
  exists: "Choose another name, or change the one that is there.",
  key_wrong: "Set the ENTRAIN_KEY that the store was made with, or restore its key file.",
  store_failed: "Check the data folder or the database that the message names, then try again.",
  store_demo: "Add --demo to work on it, or choose another folder.",
  store_real: "Leave --demo out, or choose another folder.",
  lease_held: "Wait for it to finish, or stop it.",
  not_running: "There is nothing to stop.",
  sync_paused: "Resume it with `entrain sync resume NAME`, or run it once with --anyway.",
  lease_lost: "Nothing needs to be done: another process goes on with the work.",
  port_taken: "Choose another one with --port; behind npm: `npm start -- --port N`.",
  usage: "See --help.",
  plan_stale: "Make a new plan with `entrain sync plan`.",
  second_operator: "Have another operator look at the plan and approve it; anybody may reject it.",
  plan_applied:
    "Nothing needs to be done. See what a run did with `entrain sync history`; new changes need a new plan.",
  demo_only: "The demo's store accepts connections and targets on loopback only; use a real installation for others.",
  internal: "Please report it with the detail.",
} as const;

export type Code = keyof typeof CODES;

/**
 * A fault: something that is not an expected outcome. `stops` says what cannot go on, `retry` when to try again.
 * The message is one sentence for an operator and must never hold a secret.
 */
export class ConnectorError extends Error {
  readonly code: Code;
  readonly stops: Stops;
  readonly retry: Retry;
  /** Milliseconds that the service asked to wait, where it said so. */
  readonly retryAfterMs: number | null;
  /** Microsoft's or the target's request id, for support. */
  readonly requestId: string | null;
  /** HTTP status, where there was an answer. */
  readonly status: number | null;
  readonly #fix: string;

  constructor(
    code: Code,
    message: string,
    options: {
      readonly stops: Stops;
      readonly retry: Retry;
      readonly retryAfterMs?: number | null;
      readonly requestId?: string | null;
      readonly status?: number | null;
      /** What to do next, where more is known than the code's own sentence says. */
      readonly fix?: string;
      /** Whose name stands for NAME in what to do: the sync's or the connection's, as the sentence means it. */
      readonly named?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.name = "ConnectorError";
    this.code = code;
    this.stops = options.stops;
    this.retry = options.retry;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.requestId = options.requestId ?? null;
    this.status = options.status ?? null;
    const { fix = CODES[code], named } = options;
    this.#fix = named === undefined ? fix : fix.replaceAll(/\bNAME\b/g, () => named);
  }

  /** What to do next, in one sentence. */
  get fix(): string {
    return this.#fix;
  }
}
