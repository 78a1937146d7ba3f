import { messageOf } from "../../lib/errors.ts";
import { AuthorizationError, createShown } from "../http/authorizer.ts";
import type { Authorizer, Outgoing, Shown } from "../http/authorizer.ts";

/** Makes all headers of a request, which has those of its block already. */
export type Prove = (request: Outgoing) => Promise<Readonly<Record<string, string>>>;

export interface CloudAuthorizerOptions {
  /** For sentences: `AWS`. */
  readonly cloud: string;
  /** Headers of the block and its Secrets. */
  readonly base: Authorizer;
  /** Loads the cloud's library and finds who asks. What it shows goes into `shown`. */
  load(shown: Shown): Promise<Prove>;
}

/**
 * Shows who asks an API of a cloud. The cloud's library is loaded with the first request; after a failure everything is
 * forgotten, so that the next request finds credentials that are there by then.
 */
export function cloudAuthorizer({ cloud, base, load }: CloudAuthorizerOptions): Authorizer {
  const shown = createShown();
  let held: Promise<Prove> | undefined;
  return {
    async authorize(request, signal) {
      const headers = await base.authorize(request, signal);
      const prove = (held ??= load(shown));
      try {
        return await (
          await prove
        )({ ...request, headers: { ...request.headers, ...headers } });
      } catch (error) {
        if (held === prove) held = undefined;
        if (error instanceof AuthorizationError) throw error;
        throw new AuthorizationError(`no credentials of ${cloud}: ${messageOf(error)}`);
      }
    },
    secrets: () => [...base.secrets(), ...shown.all()],
  };
}
