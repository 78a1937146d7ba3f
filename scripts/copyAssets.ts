import { cpSync, globSync, mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";

/* What the compiler leaves out but the compiled code reads beside itself: CRDs and schemas of the sandbox. */
for (const file of globSync("src/**/*.{yaml,json}")) {
  const copy = `dist/${relative("src", file)}`;
  mkdirSync(dirname(copy), { recursive: true });
  cpSync(file, copy);
}
