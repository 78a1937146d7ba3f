import type { Canary } from "../api/canary.ts";
import { isJudged, questionsOfCheck } from "../api/checks/index.ts";
import { saturationQuestion } from "../api/checks/saturation.ts";
import type { ShareEvidence } from "../api/evidence.ts";
import type { Question } from "../api/query.ts";
import { namesOf } from "../lib/names.ts";
import { dataPlaneQuestion, fillCounter } from "./judgedQuestions.ts";
import { fillQuery } from "../metrics/variables.ts";
import type { FilledQuery } from "../metrics/variables.ts";

/** Everything that a Canary asks the metrics. */
export function questionsOf({ spec }: Canary): readonly Question[] {
  const { share } = spec.traffic.evidence ?? {};
  const checks = spec.analysis.checks.flatMap((check) => {
    // What nobody asked for need not be answered by anybody.
    if (check.byDefault === true) return [];
    const asked = questionsOfCheck(check);
    // What a data plane is asked is Aviary's own; somebody has to answer it all the same.
    if ("saturation" in check) return [saturationQuestion(check, "up")];
    return asked.length === 0 && isJudged(check) ? [dataPlaneQuestion(check, "up")] : asked;
  });
  return [...checks, ...(share === undefined ? [] : [shareQuestion(share)])];
}

/** What the evidence of a Canary asks. */
export function shareQuestion({ query, providerRef }: ShareEvidence): Question {
  return { what: "evidence", field: "spec.traffic.evidence.share.query", query, providerRef };
}

/** A query as it is asked, with the names of this canary filled in. */
export function fillIn(canary: Canary, query: string): FilledQuery {
  const names = namesOf(canary);
  return fillQuery(query, {
    namespace: names.namespace,
    target: names.target,
    primary: names.primary,
    canary: names.canaryService,
    interval: canary.spec.analysis.interval,
  });
}

/** A question as it is asked; of a counter, for one of the versions. */
export function fillQuestion(canary: Canary, { query, counter }: Question): FilledQuery {
  return counter === true ? fillCounter(canary, query, "canary") : fillIn(canary, query);
}
