/** True for an object without members, such as that of no labels; makes no list of them. */
export function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
