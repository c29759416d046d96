/**
 * The log: one JSON object a line (ISO time, level as a word, message, fields) for machines, the same made readable for a
 * person at a terminal. Always to stderr, since stdout belongs to a command's answer. Written synchronously, so that the
 * last lines of a dying process are not lost.
 *
 * Nothing else of the house knows pino: a {@link Logger} is a parameter, and tests pass {@link silentLogger}.
 */
import { pino, stdSerializers, stdTimeFunctions } from "pino";
import pretty from "pino-pretty";
import type { LogFormat, LogLevelSetting } from "./config/settings.ts";
import { redactUrls } from "./redact.ts";

/** Facts that belong to a line; an Error goes under `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose lines all carry these fields as well. */
  child(fields: LogFields): Logger;
}

/** Where lines go: a stream, or anything with its `write`. */
export interface LogDestination {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevelSetting;
  /** `auto`: pretty where `terminal` is true, JSON elsewhere. */
  readonly format: LogFormat;
  /** Whether a person reads it; default: whether stderr is a terminal. */
  readonly terminal?: boolean;
  /** Default: stderr. */
  readonly destination?: LogDestination;
}

/** A logger made from the settings `log.level` and `log.format`. */
export function createLogger(options: LoggerOptions): Logger {
  const terminal = options.terminal ?? process.stderr.isTTY === true;
  const readable = options.format === "pretty" || (options.format === "auto" && terminal);
  const out = options.destination ?? pino.destination({ dest: 2, sync: true });
  const safe: LogDestination = { write: (line) => out.write(redactUrls(line)) };
  return pino(
    {
      level: options.level,
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err, err: stdSerializers.err },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: "***" },
    },
    readable ? prettyStream(safe, terminal) : safe,
  );
}

/** Fields whose values never reach a line, at the top or one level down. */
const secretFields = ["password", "token", "secret", "authorization", "apiKey"];

function prettyStream(out: LogDestination, colorize: boolean): LogDestination {
  const format = pretty.prettyFactory({
    colorize,
    messageKey: "message",
    errorLikeObjectKeys: ["error", "err"],
    translateTime: "SYS:HH:MM:ss.l",
  });
  return { write: (line) => out.write(format(line)) };
}

/** Says nothing. */
export const silentLogger: Logger = Object.freeze({
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
});
