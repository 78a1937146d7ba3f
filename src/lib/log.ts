/** How much is logged, from everything to almost nothing. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export type LogLevel = (typeof logLevels)[number];

/** What a line carries beside its sentence. An error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the project logs to: one JSON object a line, the sentence as `msg`. Credentials are masked on the way. */
export interface Log {
  debug(fields: LogFields, sentence: string): void;
  info(fields: LogFields, sentence: string): void;
  warn(fields: LogFields, sentence: string): void;
  error(fields: LogFields, sentence: string): void;
  /** A log whose every line also carries `fields`. */
  child(fields: LogFields): Log;
}

/** A log that says nothing; for tests. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};
