import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Identity {
  /** A certificate for 127.0.0.1, good for servers and clients. */
  issue(commonName: string): Identity;
}

/** A certificate authority that lives as long as the test; Node can sign certificates but has no call to make one. */
export function createAuthority(commonName: string): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const own = { commonName, isAuthority: true, publicKey: keys.publicKey };
  return {
    cert: certificate(own, { commonName, key: keys.privateKey }),
    key: pem(keys.privateKey),
    issue(name) {
      const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const subject = { commonName: name, isAuthority: false, publicKey: leaf.publicKey };
      return { cert: certificate(subject, { commonName, key: keys.privateKey }), key: pem(leaf.privateKey) };
    },
  };
}

interface Subject {
  readonly commonName: string;
  readonly isAuthority: boolean;
  readonly publicKey: KeyObject;
}

let serial = 1;

function certificate(subject: Subject, issuer: { readonly commonName: string; readonly key: KeyObject }): string {
  serial += 1;
  const year = new Date().getUTCFullYear() % 100;
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.from([serial])),
    ECDSA_SHA256,
    named(issuer.commonName),
    sequence(utcTime(year - 1), utcTime(year + 2)),
    named(subject.commonName),
    subject.publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(subject.isAuthority ? AUTHORITY : LOOPBACK)),
  );
  const signature = createSign("sha256").update(body).sign(issuer.key);
  const der = sequence(body, ECDSA_SHA256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** DER: tag, length, value. */
function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

function named(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid("550403"), tagged(0x0c, Buffer.from(commonName)))));
}

function utcTime(year: number): Buffer {
  return tagged(0x17, Buffer.from(`${String(year).padStart(2, "0")}0101000000Z`));
}

const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));
/** basicConstraints, critical: a CA. */
const AUTHORITY = sequence(
  oid("551d13"),
  tagged(0x01, Buffer.from([0xff])),
  tagged(0x04, sequence(tagged(0x01, Buffer.from([0xff])))),
);
/** subjectAltName: the IP address 127.0.0.1. */
const LOOPBACK = sequence(oid("551d11"), tagged(0x04, sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])))));

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
