/**
 * Whose metrics tell versions apart. The queries of each are in `src/metrics/dataPlanes`; OpenTelemetry and
 * HTTPHistogram are those that applications expose themselves.
 */
export const dataPlaneNames = [
  "Contour",
  "EnvoyGateway",
  "Istio",
  "Linkerd",
  "Traefik",
  "IngressNginx",
  "Cilium",
  "OpenTelemetry",
  "HTTPHistogram",
] as const;

export type DataPlaneName = (typeof dataPlaneNames)[number];
