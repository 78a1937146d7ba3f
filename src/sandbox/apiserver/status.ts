import { canonical } from "../../lib/json.ts";
import type { Json, JsonObject } from "./json.ts";

/** What a field error is about; the names are those of `StatusCause.reason`. */
export type FieldErrorType =
  | "FieldValueInvalid"
  | "FieldValueTypeInvalid"
  | "FieldValueRequired"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueDuplicate"
  | "FieldValueTooLong"
  | "FieldValueTooMany";

export interface FieldError {
  readonly type: FieldErrorType;
  /** JSON path such as `spec.steps[0].weight`; `<nil>` for the object as a whole. */
  readonly field: string;
  readonly detail: string;
  /** Left out of the sentence when undefined. */
  readonly value?: Json | undefined;
}

const TITLES: Readonly<Record<FieldErrorType, string>> = {
  FieldValueInvalid: "Invalid value",
  FieldValueTypeInvalid: "Invalid value",
  FieldValueRequired: "Required value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueDuplicate: "Duplicate value",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
};

const WITHOUT_VALUE: readonly FieldErrorType[] = ["FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong"];

/** The sentence of a field error without the field's name. */
export function bodyOf(error: FieldError): string {
  const shown = error.value === undefined || WITHOUT_VALUE.includes(error.type) ? "" : `: ${canonical(error.value)}`;
  return `${TITLES[error.type]}${shown}${error.detail === "" ? "" : `: ${error.detail}`}`;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusInit {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly group?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

/** Names a resource, or a kind, in the sentences of errors. */
export interface ErrorTarget {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** Every refusal of the API server; becomes a `Status` object on the wire. */
export class ApiError extends Error {
  readonly init: StatusInit;

  constructor(init: StatusInit) {
    super(init.message);
    this.name = "ApiError";
    this.init = init;
  }

  get code(): number {
    return this.init.code;
  }

  toStatus(): JsonObject {
    const { code, reason, message, details } = this.init;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details: details as unknown as JsonObject }),
      code,
    };
  }
}

const qualified = (name: string, group: string): string => (group === "" ? name : `${name}.${group}`);
const details = (target: ErrorTarget, name: string) => ({ name, group: target.group, kind: target.plural });

export function notFound(target: ErrorTarget, name: string): ApiError {
  const message = `${qualified(target.plural, target.group)} "${name}" not found`;
  return new ApiError({ code: 404, reason: "NotFound", message, details: details(target, name) });
}

/** No such path or resource. */
export function noSuchResource(): ApiError {
  const message = "the server could not find the requested resource";
  return new ApiError({ code: 404, reason: "NotFound", message, details: {} });
}

export function alreadyExists(target: ErrorTarget, name: string): ApiError {
  const message = `${qualified(target.plural, target.group)} "${name}" already exists`;
  return new ApiError({ code: 409, reason: "AlreadyExists", message, details: details(target, name) });
}

export function conflict(target: ErrorTarget, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(target.plural, target.group)} "${name}": ${why}`;
  return new ApiError({ code: 409, reason: "Conflict", message, details: details(target, name) });
}

export function forbidden(target: ErrorTarget, name: string, why: string): ApiError {
  const message = `${qualified(target.plural, target.group)} "${name}" is forbidden: ${why}`;
  return new ApiError({ code: 403, reason: "Forbidden", message, details: details(target, name) });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: "BadRequest", message });
}

export function methodNotAllowed(): ApiError {
  const message = "the server does not allow this method on the requested resource";
  return new ApiError({ code: 405, reason: "MethodNotAllowed", message, details: {} });
}

export function unsupportedMediaType(mediaType: string, accepted: readonly string[], hint = ""): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  const which = mediaType === "" ? "no media type was given: " : "";
  const more = hint === "" ? "" : ` (${hint})`;
  return new ApiError({ code: 415, reason: "UnsupportedMediaType", message: which + message + more });
}

/** The resourceVersion is older than what is remembered. */
export function expired(requested: number, oldest: number): ApiError {
  return new ApiError({ code: 410, reason: "Expired", message: `too old resource version: ${requested} (${oldest})` });
}

/** A patch could not be carried out on the object, such as a JSON patch whose `test` failed. */
export function patchRefused(): ApiError {
  const message = "the server rejected our request due to an error in our request";
  return new ApiError({ code: 422, reason: "Invalid", message, details: {} });
}

export function unknownError(message: string): ApiError {
  return new ApiError({ code: 500, reason: "", message });
}

export function invalid(target: ErrorTarget, name: string, errors: readonly FieldError[]): ApiError {
  const sentences = [...new Set(errors.map((error) => `${error.field}: ${bodyOf(error)}`))];
  const joined = sentences.length === 1 ? (sentences[0] ?? "") : `[${sentences.join(", ")}]`;
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `${qualified(target.kind, target.group)} "${name}" is invalid: ${joined}`,
    details: {
      name,
      group: target.group,
      kind: target.kind,
      causes: errors.map((error) => ({ reason: error.type, message: bodyOf(error), field: error.field })),
    },
  });
}
