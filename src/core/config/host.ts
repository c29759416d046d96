/** The host's environment by name: callers list the variables that they may see, so nothing else is ever copied along. */
export function hostEnvironment(names: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
