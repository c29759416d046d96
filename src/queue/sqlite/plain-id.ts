/**
 * The ids of plain tasks, which the store makes: `QUEUE.` and 19 characters, of which 9 say the time (as every id that the
 * mesh makes begins), 8 the chunk and 2 the task's slot in it. So an id leads to its task without an index of ids.
 */

export const chunkSlotsMax = 100;

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeWidth = 9;
const chunkWidth = 8;
const slotWidth = 2;
const uniqueWidth = timeWidth + chunkWidth + slotWidth;

const slotNames = Array.from({ length: chunkSlotsMax }, (_, slot) => encode(slot, slotWidth));
const slotsByName = new Map(slotNames.map((name, slot) => [name, slot]));

/** What the ids of a chunk's tasks have in common. */
export function chunkPrefix(queue: string, createdMs: number, firstSeq: number): string {
  return `${queue}.${encode(createdMs, timeWidth)}${encode(firstSeq, chunkWidth)}`;
}

export function plainId(prefix: string, slot: number): string {
  return prefix + slotNames[slot];
}

/** Whether the id may be a plain task's, by its length alone. */
export function maybePlain(id: string): boolean {
  return id[id.length - uniqueWidth - 1] === ".";
}

export function prefixOf(id: string): string {
  return id.slice(0, -slotWidth);
}

export function slotOf(id: string): number | undefined {
  return slotsByName.get(id.slice(-slotWidth));
}

/** The number of the first task of the chunk with this prefix; not a number where it is none. */
export function firstSeqOf(prefix: string): number {
  let firstSeq = 0;
  for (const character of prefix.slice(-chunkWidth)) {
    const digit = alphabet.indexOf(character);
    firstSeq = digit < 0 ? Number.NaN : firstSeq * alphabet.length + digit;
  }
  return firstSeq;
}

function encode(value: number, width: number): string {
  let rest = value;
  let text = "";
  for (let place = 0; place < width; place++) {
    text = alphabet[rest % alphabet.length] + text;
    rest = Math.floor(rest / alphabet.length);
  }
  return text;
}
