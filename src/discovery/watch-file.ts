/**
 * Watches one file by looking at it: every quarter of a second its text is compared with the last. That sees what notifications
 * miss or tell twice (editors that put a new file in its place, links that Kubernetes turns, file systems of a network), and
 * the files here are small.
 */
import { readFile, stat } from "node:fs/promises";

export interface WatchFileOptions {
  readonly path: string;
  /** The text, at first and whenever it is another. */
  readonly onText: (text: string) => void;
  /** It cannot be read; told once until it can. */
  readonly onError: (error: Error) => void;
  /** Default 250: a change is seen within a second even on a machine that is busy. */
  readonly everyMs?: number;
}

const everyMsDefault = 250;
/** A policy or a list of endpoints is text that people write. */
const bytesMax = 4 * 1_048_576;

/** Answers with what ends it. */
export function watchFile({ path, onText, onError, everyMs = everyMsDefault }: WatchFileOptions): () => void {
  let last: string | undefined;
  let seen = "";
  let failing = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    try {
      const mark = await markOf(path);
      if (mark !== seen || failing) {
        const text = await readFile(path, "utf8");
        if (stopped) return;
        // What is back after a failure is told again, though it may be as it was.
        const isNews = failing || text !== last;
        seen = mark;
        failing = false;
        last = text;
        if (isNews) onText(text);
      }
    } catch (error) {
      if (stopped) return;
      if (!failing) onError(error as Error);
      failing = true;
    }
    if (!stopped) timer = setTimeout(look, everyMs).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** What changes when the file is written or replaced, so that it need not be read each time. */
async function markOf(path: string): Promise<string> {
  const { mtimeNs, ctimeNs, ino, size } = await stat(path, { bigint: true });
  if (size > bytesMax) throw new Error(`${path} has ${size} bytes; at most ${bytesMax} are read`);
  return `${mtimeNs} ${ctimeNs} ${ino} ${size}`;
}
