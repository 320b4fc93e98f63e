import { createPoster, type Poster } from "@entrain/connectors/webhook";
import { ConnectorError } from "@entrain/core";
import type { Alert } from "../store/alerts.ts";
import type { SendReply } from "./reply.ts";
import { slackBody } from "./slack.ts";
import { teamsBody } from "./teams.ts";

/** A chat that alerts are posted to, and the clock that its pauses are counted by. */
export interface Chat {
  readonly type: "slack" | "teams";
  /** Asked for once. Whoever knows it may post there. */
  readonly url: () => string;
  readonly allowPrivate: boolean;
  readonly clock: { now(): number };
}

const NAMES = { slack: "Slack", teams: "Teams" } as const;

/** What Slack and Teams say of themselves, and what that asks for. Other words of an answer are never repeated. */
const WORDS: Readonly<Record<string, string>> = {
  // "Sending messages using incoming webhooks", Handling errors.
  invalid_payload: "Please report it with the type of the alert.",
  no_text: "Please report it with the type of the alert.",
  invalid_blocks: "Please report it with the type of the alert.",
  no_service: "The webhook was removed or switched off in Slack: make another one, and give its address.",
  no_service_id: "Compare the address with the one that Slack shows.",
  no_active_hooks: "The webhook was switched off in Slack: make another one, and give its address.",
  no_team: "Compare the address with the one that Slack shows.",
  team_disabled: "The workspace is not active any more.",
  invalid_token: "Compare the address with the one that Slack shows.",
  channel_not_found: "The webhook's channel is gone: make another webhook, and give its address.",
  channel_is_archived: "The webhook's channel is archived: make another webhook, and give its address.",
  user_not_found: "Whom the webhook tells is gone: make another webhook, and give its address.",
  action_prohibited: "An administrator of Slack forbids it: let them allow the webhook.",
  posting_to_general_channel_denied: "An administrator of Slack forbids posting there: choose another channel.",
  // Error codes of Power Automate, which Teams' workflows are made of.
  WorkflowTriggerIsNotEnabled: "The workflow is switched off in Teams: switch it on, or make another one.",
  WorkflowNotFound: "The workflow is gone: make another one in Teams, and give its address.",
  DirectApiAuthorizationRequired: "Give the whole address, up to its last letter, as Teams shows it.",
  AuthorizationFailed: "Give the whole address, up to its last letter, as Teams shows it.",
  TriggerInputSchemaMismatch: "Use the workflow that begins when a Teams webhook request is received.",
};

/**
 * One attempt to post an alert to a chat.
 * @throws ConnectorError `config_invalid` for an address that must not be used; the signal's reason when it aborts
 */
export async function postToChat(chat: Chat, alert: Alert, signal: AbortSignal): Promise<SendReply> {
  const { type, allowPrivate, clock } = chat;
  const poster = openPoster(chat.url(), { allowPrivate, clock });
  try {
    const body = type === "slack" ? slackBody(alert) : teamsBody(alert);
    const answer = await poster.post({ body }, signal);
    if (answer.kind === "unheard") {
      return { kind: "failed", status: null, detail: answer.detail, fix: answer.fix, retryAfterMs: null };
    }
    const { status, retryAfterMs } = answer;
    if (status >= 200 && status < 300) return { kind: "accepted", status };
    const word = Object.keys(WORDS).find((one) => new RegExp(`(?<![A-Za-z_])${one}(?![A-Za-z_])`).test(answer.text));
    const said = word === undefined ? "" : ` (${word})`;
    const detail = `${NAMES[type]} answered ${status}${said}.`;
    const fix = (word === undefined ? undefined : WORDS[word]) ?? fixOf(status);
    return status === 410 ? { kind: "gone", detail: `${detail} ${fix}` } : failed(status, detail, fix, retryAfterMs);
  } finally {
    await poster.close();
  }
}

function failed(status: number, detail: string, fix: string, retryAfterMs: number | null): SendReply {
  return { kind: "failed", status, detail, fix, retryAfterMs };
}

/** An address that cannot be used is refused in words that do not repeat it. */
function openPoster(url: string, options: Pick<Chat, "allowPrivate" | "clock">): Poster {
  try {
    return createPoster({ url: url.trim(), ...options });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const fix = "Give the channel's address as Slack or Teams shows it.";
    throw new ConnectorError(error.code, error.message, { stops: "record", retry: "never", fix });
  }
}

function fixOf(status: number): string {
  if (status >= 300 && status < 400) return "Give the address that does not lead elsewhere.";
  if (status === 429) return "Nothing needs to be done: it is tried again when that is allowed.";
  if (status >= 500) return "Nothing needs to be done: it is tried again.";
  return "Give the channel's address as Slack or Teams shows it.";
}
