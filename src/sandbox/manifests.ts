import { parseAllDocuments } from "yaml";
import { isObject, type JsonObject } from "./apiserver/json.ts";

/** The objects in a YAML text of one or more documents. @throws Error when it is not YAML. */
export function readManifests(text: string): readonly JsonObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const object: unknown = document.toJS();
    return isObject(object) ? [object] : [];
  });
}
