import type { Answer, Headers } from "./client.ts";

/** Users with a browser each: what they were given they bring along. */
export interface Users {
  /** Whose turn it is; nobody when there are no users to be told apart. */
  next(): User | undefined;
}

export interface User {
  headers(): Headers;
  /** Keeps its cookies. Returns the version that answered this user before, if it was another one. */
  saw(answer: Answer): string | undefined;
}

export function createUsers(count: number): Users {
  const users = Array.from({ length: count }, createUser);
  let turn = 0;
  return { next: () => users[turn++ % Math.max(1, count)] };
}

function createUser(): User {
  const jar = new Map<string, string>();
  let last: string | undefined;
  return {
    headers: () => (jar.size === 0 ? {} : { cookie: [...jar].map((cookie) => cookie.join("=")).join("; ") }),
    saw: ({ cookies = [], version }) => {
      for (const [, name = "", value = ""] of cookies.map((cookie) => /^([^=]+)=([^;]*)/.exec(cookie) ?? [])) {
        jar.set(name, value);
      }
      const before = last;
      last = version ?? last;
      return before === last ? undefined : before;
    },
  };
}
