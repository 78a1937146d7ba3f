import type { World } from "./command.ts";

/** How the lines of a long wait are folded by the CI system that shows them. */
export type Grouping = "none" | "github" | "gitlab";

export const groupings = ["auto", "none", "github", "gitlab"] as const;

export interface Progress {
  /** One line; a repetition of the last one is not shown. Lines of another group go below another heading. */
  line(text: string, group?: string): void;
  /** The last line, below no heading. */
  end(text: string, good: boolean): void;
}

/** The CI system by the variables that it sets. Sources: GitHub Actions and GitLab CI, "predefined variables". */
export function groupingOf(wanted: string | undefined, env: World["env"]): Grouping {
  if (wanted === "none" || wanted === "github" || wanted === "gitlab") return wanted;
  if (env["GITHUB_ACTIONS"] === "true") return "github";
  return env["GITLAB_CI"] === "true" ? "gitlab" : "none";
}

export function createProgress(world: Pick<World, "stdout" | "clock">, grouping: Grouping): Progress {
  const { stdout, clock } = world;
  let last: string | undefined;
  let open: string | undefined;
  let sections = 0;
  const write = (text: string): void => void stdout.write(`${text}\n`);
  const close = (): void => {
    if (open !== undefined) write(endOf(grouping, sections, clock.now()));
    open = undefined;
  };
  return {
    line(text, group) {
      if (text === last) return;
      last = text;
      if (grouping !== "none" && group !== open) {
        close();
        if (group !== undefined) {
          sections += 1;
          write(beginOf(grouping, group, { section: sections, nowMs: clock.now() }));
          open = group;
        }
      }
      write(`${new Date(clock.now()).toISOString().slice(11, 19)} ${text}`);
    },
    end(text, good) {
      close();
      write(grouping === "github" ? `::${good ? "notice" : "error"}::${escapeCommand(text)}` : text);
    },
  };
}

/** Source: GitHub Actions, "workflow commands"; GitLab CI, "custom collapsible sections". */
function beginOf(grouping: Grouping, title: string, at: { readonly section: number; readonly nowMs: number }): string {
  if (grouping === "github") return `::group::${escapeCommand(title)}`;
  return `\u001b[0Ksection_start:${Math.floor(at.nowMs / 1_000)}:aviary_${at.section}\r\u001b[0K${title}`;
}

function endOf(grouping: Grouping, section: number, nowMs: number): string {
  if (grouping === "github") return "::endgroup::";
  return `\u001b[0Ksection_end:${Math.floor(nowMs / 1_000)}:aviary_${section}\r\u001b[0K`;
}

function escapeCommand(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
