import type { OutgoingHttpHeaders } from "node:http";
import type { Json } from "../tenant/types.ts";

/** A request to Graph below the version segment, from the wire or out of a batch. */
export interface GraphRequest {
  readonly method: string;
  /** Decoded path segments after `/v1.0`, for example `["users", "alex@contoso.com", "manager"]`. */
  readonly segments: readonly string[];
  /** The raw query string without `?`. */
  readonly search: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The parsed JSON body; undefined when there was none. */
  readonly body: Json | undefined;
}

/** An answer before it is written: a JSON value, a plain text (for `$count`), a file or nothing. */
export interface GraphResponse {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly json?: unknown;
  readonly text?: string;
  /** A file; its type is in the headers. */
  readonly bytes?: Buffer;
}

/** A refusal in Graph's own words ("Microsoft Graph error responses and resource types"). */
export class GraphError extends Error {
  override readonly name = "GraphError";
  readonly status: number;
  readonly code: string;
  readonly headers: OutgoingHttpHeaders;
  readonly details: readonly Json[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly headers?: OutgoingHttpHeaders; readonly details?: readonly Json[] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.details = more.details;
  }
}

export function badRequest(message: string, details?: readonly Json[]): GraphError {
  return new GraphError(400, "Request_BadRequest", message, details === undefined ? {} : { details });
}

export function unsupportedQuery(message: string): GraphError {
  return new GraphError(400, "Request_UnsupportedQuery", message);
}

export function unreadableBody(): GraphError {
  return badRequest(
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
  );
}

/** A mistake that the OData layer finds before the directory is asked. */
export function malformed(message: string): GraphError {
  return new GraphError(400, "BadRequest", message);
}

export function notFound(id: string): GraphError {
  const text = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return new GraphError(404, "Request_ResourceNotFound", text);
}

export function denied(): GraphError {
  return new GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
}

export function methodNotAllowed(): GraphError {
  return new GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
}

/** The body of an error answer. */
export function errorBody(error: GraphError, ids: { date: string; request: string; client: string }): Json {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
      innerError: { date: ids.date, "request-id": ids.request, "client-request-id": ids.client },
    },
  };
}
