import { flagOf, settingNames, settings, variableOf } from "../src/settings.ts";
import type { Setting } from "../src/settings.ts";
import { table } from "./table.ts";

/** `docs/configuration.md`: every flag with its variable, default and meaning. */
export function configurationReference(): string {
  const rows = settingNames.map((name) => {
    const setting: Setting = settings[name];
    const fallback = setting.fallback === undefined ? (setting.unset ?? "") : `\`${setting.fallback}\``;
    return [`\`${flagOf(name)}\``, `\`${variableOf(name)}\``, fallback, setting.help];
  });
  return [
    "# Configuration",
    "",
    "<!-- Generated from src/settings.ts by `npm run generate`; do not edit. -->",
    "",
    "The controller takes flags; each can also be set by an environment variable. A flag wins over its variable.",
    "",
    ...table(["Flag", "Variable", "Default", "Meaning"], rows),
    "",
  ].join("\n");
}
