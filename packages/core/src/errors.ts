/** What a fault stops. */
export type Stops = "record" | "run" | "sync" | "connection";
/** When it makes sense to try again. */
export type Retry = "now" | "later" | "never";

/** Every code of a fault or an issue, with the sentence that tells an operator what to do about it. */
export const CODES = {
  // Sign-in and Graph.
  unreachable: "The server could not be reached. Check the address, the network and any proxy.",
  timeout: "The server did not answer in time. It is tried again later.",
  sign_in_refused: "Microsoft refused the sign-in. Run `entrain connection verify` for the cause and the mend.",
  permission_missing:
    "The application lacks a permission. Grant it in Entra and give admin consent, then verify again.",
  permission_lost:
    "A permission was taken away since the last read, so Graph hides values. Nothing is removed or cleared until it is back.",
  throttled: "The service is throttling. The work goes on when it allows.",
  answer_invalid:
    "The answer was not what the service documents (truncated, HTML, or without `value`). The read counts as failed; nothing is removed.",
  round_empty:
    "The round ended without a single record although the directory holds some. The read counts as failed; nothing is removed.",
  round_shrunken: "The full round held far fewer records than the directory. Removals wait for approval.",
  round_short:
    "The full round held far fewer records than the service counts. The read counts as failed; nothing is removed.",
  link_foreign: "A paging link pointed to another host. It was not followed.",
  link_loop: "A paging link came back to a page that was already read. The read counts as failed.",
  watermark_expired:
    "The watermark is no longer accepted. A full round follows; nothing is removed by the change of round.",
  server_failed: "The service failed to answer. It is tried again later.",
  request_refused: "The service refused the request. The detail says why.",
  // Records.
  ambiguous: "More than one record fits. Make the matching value unique, or choose another matching attribute.",
  unmatchable: "The record has no value for any matching attribute. Fill one in, or change the matching.",
  linked_elsewhere: "The record found by matching belongs to another person or group. Make the matching value unique.",
  owned_elsewhere: "Another sync owns the target record. One record has one owner.",
  account_state_unknown: "The source did not say whether the account is enabled. Nothing is changed until it does.",
  value_missing: "A required target attribute has no value. Fill the source attribute, or give the mapping a default.",
  value_invalid: "A value does not fit the target attribute's type.",
  expression_unsupported: "Expressions in mappings are not supported yet. Use a direct or constant mapping.",
  refused_by_target: "The target refused the change. The detail holds its answer; it is tried again later.",
  conflict: "The record changed after the plan was made. It is planned anew.",
  reference_waiting: "A referenced record does not exist in the target yet. It is written as soon as it does.",
  outcome_unknown: "No answer was heard for a change. The record is looked up before anything else is planned.",
  record_missing: "The target no longer holds the record.",
  file_failed: "The file could not be read or written. Check the folder, its rights and the free space.",
  file_invalid:
    "The file is not one that Entrain wrote, or it is damaged. Restore it, or move it away to begin anew; it is never overwritten.",
  credential_refused: "The target refused the credential. Renew its token, then run `entrain target verify`.",
  cancelled: "The work was stopped before the change was sent. The next run plans it again.",
  removal_guard: "More removals than the guard allows. They are held as a plan of their own until approved.",
  privileged_join: "The record to be joined has rights of its own. Joining it waits for approval.",
  held: "The change is part of a held plan. Approve or reject it with `entrain sync approve`.",
  // The installation.
  config_invalid: "Correct the configuration at the place that the message names, and try again.",
  not_found: "Check the name; the matching `list` command shows what there is.",
  exists: "Choose another name, or change the one that is there.",
  key_wrong:
    "ENTRAIN_KEY is not the key that this store was encrypted with. Set the right key, or restore the key file.",
  store_failed: "Check the data folder or the database that the message names, then try again.",
  store_demo: "This is the demo's store. Add --demo to work on it, or choose another folder.",
  store_real: "This store belongs to a real installation; the demo does not touch it.",
  lease_held: "Another process is running this sync. Wait for it to finish, or stop it.",
  lease_lost: "The lease was lost to another process, which goes on with the work.",
  port_taken: "The port is in use. Choose another one with --port.",
  usage: "The command was not understood. See --help.",
  plan_stale: "There is no such plan waiting. Make a new one with `entrain sync plan`.",
  demo_only: "The demo's store accepts connections and targets on loopback only.",
  internal: "An unexpected fault. Please report it with the detail.",
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

  constructor(
    code: Code,
    message: string,
    options: {
      readonly stops: Stops;
      readonly retry: Retry;
      readonly retryAfterMs?: number | null;
      readonly requestId?: string | null;
      readonly status?: number | null;
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
  }

  /** What to do next, in one sentence. */
  get fix(): string {
    return CODES[this.code];
  }
}
