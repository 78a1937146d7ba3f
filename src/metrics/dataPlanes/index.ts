import type { DataPlaneName } from "../../api/dataPlanes.ts";
import { cilium } from "./cilium.ts";
import { contour } from "./contour.ts";
import type { DataPlane } from "./dataPlane.ts";
import { envoyGateway } from "./envoyGateway.ts";
import { httpHistogram } from "./httpHistogram.ts";
import { ingressNginx } from "./ingressNginx.ts";
import { istio } from "./istio.ts";
import { linkerd } from "./linkerd.ts";
import { openTelemetry } from "./openTelemetry.ts";
import { traefik } from "./traefik.ts";

/** Every data plane whose metrics Aviary knows. A new one is one file, one line here, one name in `api/dataPlanes.ts`. */
const registry: Readonly<Record<DataPlaneName, DataPlane>> = {
  Contour: contour,
  EnvoyGateway: envoyGateway,
  Istio: istio,
  Linkerd: linkerd,
  Traefik: traefik,
  IngressNginx: ingressNginx,
  Cilium: cilium,
  OpenTelemetry: openTelemetry,
  HTTPHistogram: httpHistogram,
};

export const dataPlanes = Object.values(registry);

export function dataPlaneNamed(name: DataPlaneName): DataPlane {
  return registry[name];
}

/**
 * Whose metrics may tell the versions of a canary apart, the likeliest first: data planes that the routes' controllers
 * belong to, then what applications expose themselves.
 */
export function dataPlanesFor(controllers: readonly string[]): readonly DataPlane[] {
  const named = dataPlanes.filter((plane) => plane.controllers.some((controller) => controllers.includes(controller)));
  const own = dataPlanes.filter((plane) => plane.controllers.length === 0);
  return [...named, ...own];
}
