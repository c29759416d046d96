/** Keeps credentials out of whatever people read: logs and messages. */

/** What stands between `scheme://` and the last `@` of a URL's authority. */
const credentials = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s"/?#]*@/gi;

/** The text with the user and password of every URL in it (`redis://user:password@host`) replaced by `***`. */
export function redactUrls(text: string): string {
  return text.includes("@") ? text.replace(credentials, "$1***@") : text;
}
