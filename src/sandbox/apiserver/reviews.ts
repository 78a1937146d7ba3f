import { isObject, objectOf } from "./json.ts";
import type { ApiRequest } from "./request.ts";
import type { Answer } from "./resourceHandler.ts";

/**
 * Reviews that clients ask for themselves: the sandbox has one user who may do everything. `aviary` asks so who it is.
 * `kubectl auth can-i` and `kubectl auth whoami` send protobuf, which is refused before it comes here.
 */
export function reviewOf(request: ApiRequest): Answer | undefined {
  if (request.method !== "POST") return undefined;
  const kind = request.path.split("/").at(-1) ?? "";
  const status = STATUS[kind];
  if (status === undefined || !/^\/apis\/(authorization|authentication)\.k8s\.io\/v1\//.test(request.path))
    return undefined;
  const body = isObject(request.body) ? request.body : {};
  return { code: 201, body: { ...body, metadata: objectOf(body["metadata"]), status } };
}

const userInfo = { username: "sandbox", groups: ["system:masters", "system:authenticated"] };

const STATUS: Readonly<Record<string, Answer["body"]>> = {
  selfsubjectaccessreviews: { allowed: true, reason: "the sandbox allows everything" },
  subjectaccessreviews: { allowed: true, reason: "the sandbox allows everything" },
  selfsubjectrulesreviews: {
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [],
    incomplete: false,
  },
  selfsubjectreviews: { userInfo },
};
