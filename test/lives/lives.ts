import { afterEach, expect } from "vitest";
import { startLife } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";

let lives: Life[] = [];

/** Ends the lives of a test, and asks of each what must hold of every life. */
export function watchLives(): void {
  afterEach(async () => {
    const ended = lives;
    lives = [];
    await Promise.all(ended.map((life) => life.stop()));
    for (const life of ended)
      expect({ outages: life.outages, breaches: life.breaches }).toEqual({ outages: [], breaches: [] });
  });
}

/** A life from its first moment on. */
export async function born(options: LifeOptions = {}): Promise<Life> {
  const life = await startLife(options);
  lives.push(life);
  return life;
}

/** A life whose target is adopted. */
export async function adopted(options: LifeOptions = {}): Promise<Life> {
  const life = await born(options);
  await life.until("adoption", ({ phase }) => phase === "Idle");
  return life;
}

/** A life with release 2 under way, in effect at the weight of a step. */
export async function underWay(options: LifeOptions = {}, weight = 10): Promise<Life> {
  const life = await adopted(options);
  await life.release("2");
  await life.until(
    `weight ${weight} in effect`,
    ({ rollout }) => rollout?.weight === weight && rollout.effectiveSince !== undefined,
  );
  return life;
}

/** A life whose release 2 was rolled back. */
export async function rolledBack(options: LifeOptions = {}): Promise<Life> {
  const life = await underWay({ ...options, ask: bad });
  await life.until("roll back", ({ phase }) => phase === "Failed");
  return life;
}

export const good = () => ({ kind: "value", value: 1 }) as const;
export const bad = () => ({ kind: "value", value: 0.5 }) as const;
export const empty = () => ({ kind: "empty" }) as const;
export const unreachable = () => ({ kind: "unreachable", message: "connection refused" }) as const;

export function conditionOf(life: Life, type: string): { status: string; reason: string; message: string } | undefined {
  return life.status().conditions?.find((condition) => condition.type === type);
}

export function outcomes(life: Life): string[] {
  return (life.status().history ?? []).map(({ outcome, images }) => `${images?.[0] ?? ""} ${outcome}`);
}

/** The rules that decided, in order, without the time. */
export function rulesOf(life: Life): string[] {
  return life.timeline.map((line) => line.split(" ").at(-1) ?? "");
}

/** The moves of traffic in a promotion by the steps of these lives, without the time. */
export function movesOf(life: Life): string[] {
  const told = life.timeline.filter((line) => /w=(10|50|100) shiftTraffic|Promoting.*w=0 returnTraffic/.test(line));
  return told.map((line) => line.split(" ").slice(1).join(" "));
}
