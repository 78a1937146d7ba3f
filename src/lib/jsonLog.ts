import { pino } from "pino";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { redact, redactText } from "./redact.ts";

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go; standard output when left out. */
  readonly destination?: { write(line: string): void };
}

/** A log of JSON lines with ISO time and the level as a word. Lines are written at once, so that a crash loses none. */
export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? pino.destination({ fd: 1, sync: true });
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Errors are plain objects by then; pino's own serializer would take them for errors again and lose their names.
    serializers: { err: (value: unknown) => value },
  };
  return logTo(pino(settings, destination));
}

type Level = "debug" | "info" | "warn" | "error";

function logTo(logger: pino.Logger): Log {
  const at = (level: Level) => (fields: LogFields, sentence: string) => {
    // Asked first, because the copy that masks credentials costs more than a line that is not written.
    if (logger.isLevelEnabled(level)) logger[level](safe(fields), redactText(sentence));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => logTo(logger.child(safe(fields))),
  };
}

function safe(fields: LogFields): Record<string, unknown> {
  return redact(fields) as Record<string, unknown>;
}
