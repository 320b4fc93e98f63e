import { PHOTO_SIZES } from "../tenancy/photos.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { refuseOptions } from "./odata/options.ts";
import { GraphError, type GraphResponse } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";

const LARGEST = PHOTO_SIZES.at(-1) ?? 0;

/** Profile photos of people, read by "Get photo". */
export const PHOTOS: readonly Endpoint[] = [
  ...reading("/users/{user}/photo", metadata),
  ...reading("/users/{user}/photo/$value", content),
  ...reading("/users/{user}/photos", list),
  ...reading("/users/{user}/photos/{size}", metadata),
  ...reading("/users/{user}/photos/{size}/$value", content),
];

function reading(path: string, handle: Endpoint["handle"]): readonly Endpoint[] {
  return [{ method: "GET", path, rule: "readPhotos", cost: 1, handle }];
}

function find(context: Context, { user: key = "", size }: Parameters): { readonly id: string; readonly size: number } {
  const { id } = findObject(context, "user", key);
  const wanted = size === undefined ? LARGEST : Number(/^(\d+)x\1$/i.exec(size)?.[1] ?? Number.NaN);
  if (!PHOTO_SIZES.includes(wanted)) {
    throw new GraphError(400, "ErrorInvalidImageId", `The image id '${size}' is not one of the supported sizes.`);
  }
  if (!context.photos.has(id)) {
    throw new GraphError(
      404,
      "ImageNotFound",
      "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.",
    );
  }
  return { id, size: wanted };
}

function record(context: Context, id: string, size: number): Readonly<Record<string, Json>> {
  return {
    "@odata.mediaContentType": "image/jpeg",
    "@odata.mediaEtag": `"${context.photos.etag(id)}"`,
    id: `${size}x${size}`,
    height: size,
    width: size,
  };
}

function metadata(context: Context, parameters: Parameters): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const { id, size } = find(context, parameters);
  const set = `users('${id}')/photo${parameters.size === undefined ? "" : "s"}`;
  return {
    status: 200,
    json: { "@odata.context": `${context.base}/$metadata#${set}/$entity`, ...record(context, id, size) },
  };
}

function list(context: Context, parameters: Parameters): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const { id } = findObject(context, "user", parameters.user ?? "");
  const value = context.photos.has(id) ? PHOTO_SIZES.map((size) => record(context, id, size)) : [];
  return { status: 200, json: { "@odata.context": `${context.base}/$metadata#users('${id}')/photos`, value } };
}

function content(context: Context, parameters: Parameters): GraphResponse {
  refuseOptions(context.options, []);
  const { id, size } = find(context, parameters);
  return {
    status: 200,
    headers: { "content-type": "image/jpeg", etag: `"${context.photos.etag(id)}"` },
    bytes: context.photos.image(id, size),
  };
}
