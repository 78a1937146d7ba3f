import { join } from "node:path";

export interface ApiServerSettings {
  readonly folder: string;
  readonly etcdUrl: string;
  readonly port: number;
  readonly serviceAccountKey: string;
  readonly tokenFile: string;
  readonly tokenWebhookConfigFile: string;
}

export function etcdArguments(folder: string, clientUrl: string, peerUrl: string): string[] {
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    // The data need not survive a power cut.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

export function apiServerArguments(settings: ApiServerSettings): string[] {
  return [
    `--etcd-servers=${settings.etcdUrl}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${settings.port}`,
    `--cert-dir=${join(settings.folder, "certs")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${settings.serviceAccountKey}`,
    `--service-account-signing-key-file=${settings.serviceAccountKey}`,
    `--token-auth-file=${settings.tokenFile}`,
    `--authentication-token-webhook-config-file=${settings.tokenWebhookConfigFile}`,
    "--authentication-token-webhook-version=v1",
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--allow-privileged=true",
    // Nothing mounts tokens into fake pods, and nothing takes taints off fake nodes.
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    // There is no address but loopback, which Endpoints refuse.
    "--endpoint-reconciler-type=none",
  ];
}

/** The defaults of 20 to 50 requests a second would dominate every burst of releases. */
const clientLimits = ["--kube-api-qps=1000", "--kube-api-burst=2000"];

export function controllerManagerArguments(kubeconfig: string, serviceAccountKey: string, caFile: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--secure-port=0",
    "--leader-elect=false",
    // Those that need real nodes, disks or clouds.
    "--controllers=*,-nodelifecycle,-nodeipam,-persistentvolume-binder,-attachdetach",
    `--service-account-private-key-file=${serviceAccountKey}`,
    `--root-ca-file=${caFile}`,
    ...clientLimits,
  ];
}

export function schedulerArguments(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, "--secure-port=0", "--leader-elect=false", ...clientLimits];
}

export function kwokArguments(kubeconfig: string, stagesFile: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--config=${stagesFile}`,
    "--manage-all-nodes=true",
    // Addresses of fake pods; nothing is ever sent to them.
    "--cidr=10.64.0.0/12",
    "--node-ip=10.63.255.1",
  ];
}

/** A node that never runs out of room. */
export function fakeNode(name: string): object {
  const resources = { cpu: "1M", memory: "1Pi", pods: "1M", "ephemeral-storage": "1Pi" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { "kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0" },
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
    },
    status: { allocatable: resources, capacity: resources, nodeInfo: { kubeletVersion: "fake" } },
  };
}
