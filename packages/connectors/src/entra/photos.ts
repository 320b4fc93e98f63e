import { createHash } from "node:crypto";
import { ConnectorError, type PhotoAnswer, type PhotoReader } from "@entrain/core";
import { mapConcurrently } from "../shared/concurrent.ts";
import { type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";

/** Far beyond what Microsoft 365 keeps: 648 × 648 is the largest of its sizes ("profilePhoto resource type"). */
const BYTES_AT_MOST = 4 * 1024 * 1024;
/** As many as Outlook serves at a time ("Microsoft Graph service-specific throttling limits", Outlook). */
const AT_A_TIME = 4;
const PERMISSION = "ProfilePhoto.Read.All";
/**
 * "Get profilePhoto": without a photo 404. Beside ImageNotFound the service is seen to say it with the others; any further
 * code, such as that of a mailbox that is elsewhere, says nothing of the photo.
 */
const NO_PHOTO: ReadonlySet<string> = new Set([
  "ImageNotFound",
  "ErrorEntityNotFound",
  "ErrorItemNotFound",
  "GetUserPhoto",
]);

/** Reads photos by `/users/{id}/photo/$value`, a few at a time: no list and no delta tells them. */
export function photoReader(client: () => GraphClient): PhotoReader {
  return {
    read: async (ids, signal) => {
      const by = { client: client(), permission: PERMISSION };
      const how = { atATime: AT_A_TIME, signal };
      const answers = await mapConcurrently(ids, how, (id, within) => answerOf(by, id, within));
      // Where others are told, a refusal is about this person's mailbox, not about the permission.
      return answers.some((answer) => "hash" in answer) ? answers.map(ownRefusal) : answers;
    },
  };
}

function ownRefusal(answer: PhotoAnswer): PhotoAnswer {
  if ("hash" in answer || answer.failure.code !== "permission_missing") return answer;
  return { ...answer, failure: { ...answer.failure, of: "photo" } };
}

type By = Pick<GraphRequest, "permission" | "patience"> & { readonly client: GraphClient };

async function answerOf(by: By, id: string, signal: AbortSignal): Promise<PhotoAnswer> {
  try {
    return { id, hash: await photoHash(by, id, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    // What is wrong with one photo is not wrong with the next; a service that refuses or is not there refuses all.
    const own = error.code === "answer_invalid" || error.code === "request_refused";
    return { id, failure: { code: error.code, detail: error.message, of: own ? "photo" : "service" } };
  }
}

/** SHA-256 of the largest image, in lower-case hexadecimal digits; `null`: there is none. @throws ConnectorError */
export async function photoHash({ client, ...request }: By, id: string, signal: AbortSignal): Promise<string | null> {
  try {
    const path = `/users/${encodeURIComponent(id)}/photo/$value`;
    const bytes = await client.bytes(path, { ...request, bytesAtMost: BYTES_AT_MOST, urgency: "last" }, signal);
    if (bytes.length > 0) return createHash("sha256").update(bytes).digest("hex");
    const message = `GET ${path}: the answer holds no image.`;
    throw new ConnectorError("answer_invalid", message, { stops: "record", retry: "later" });
  } catch (error) {
    if (error instanceof GraphRefusal && error.status === 404 && NO_PHOTO.has(error.graphCode)) return null;
    throw error;
  }
}
