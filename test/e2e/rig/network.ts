import { execFileSync } from "node:child_process";

/** Of the one node, and of the gateway. */
export const NODE_ADDRESS = "10.77.0.1";
/** Every address of the node's network is local in the namespace that the launcher makes, and nowhere else. */
export const POD_PREFIX_LENGTH = 16;

/**
 * Throws unless this process is in a network namespace of its own, where the pods' addresses are local and nothing else
 * can be reached. Elsewhere a request to a pod would leave the machine by its default route.
 */
export function assertInsideNamespace(): void {
  if (routeTo("10.77.255.254") !== "local") {
    throw new Error("pod addresses are not local here: run the tests by `npm run test:e2e`");
  }
  const outside = routeTo("192.0.2.1");
  if (outside !== "unreachable") throw new Error(`this namespace has a way out (${outside}): refusing to start`);
}

/** `local`, `unreachable`, or what kind of route leads there. */
function routeTo(address: string): string {
  try {
    const said = execFileSync("ip", ["-json", "route", "get", address], { stdio: ["ignore", "pipe", "ignore"] });
    const [route] = JSON.parse(said.toString()) as { type?: string }[];
    return route?.type ?? "unicast";
  } catch {
    return "unreachable";
  }
}
